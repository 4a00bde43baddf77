// SPDX-License-Identifier: Apache-2.0
#include "store/interner.h"

#include <utility>

namespace nsw::store {
namespace {

constexpr size_t kNodeBytes = 96;  // of a hash map's entry, about

}  // namespace

Result<Interner> Interner::Open(Database& database, int64_t first_id) {
  Interner out;
  out.next_id_ = first_id;
  const std::pair<Statement*, std::string_view> statements[] = {
      {&out.add_container_, "INSERT INTO containers VALUES(?,?,?,?,?,?,?)"},
      {&out.name_container_,
       "UPDATE containers SET container_id=?, name=?, image=?, k8s_namespace=?, k8s_pod=?"
       " WHERE home=? AND name IS NULL"},
      {&out.add_program_, "INSERT INTO programs VALUES(?,?,?,?,?,?,?)"},
  };
  for (const auto& [statement, sql] : statements) {
    auto prepared = database.Prepare(sql);
    if (!prepared) return tl::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return out;
}

void Interner::MakeKey(const RowTexts& texts, size_t begin, size_t end) {
  key_.clear();
  for (size_t i = begin; i < end; i++) {
    const auto size = static_cast<uint32_t>(texts[i].size());
    key_.append(reinterpret_cast<const char*>(&size), sizeof size).append(texts[i]);
  }
}

Result<int64_t> Interner::Container(uint64_t home, const RowTexts& texts) {
  MakeKey(texts, kContainerId, kExe);
  Known& known = containers_[home];
  if (known.id != 0 && known.key == key_) return known.id;
  const bool named = !texts[kContainerName].empty();
  if (known.id != 0 && !known.named && named) {
    if (auto done = NameContainer(home, texts); !done) return tl::unexpected(done.error());
    return known.id;
  }
  add_container_.Put(next_id_).Put(static_cast<int64_t>(home));
  for (size_t i = kContainerId; i <= kK8sPod; i++) add_container_.PutTextOrNull(texts[i]);
  if (auto done = add_container_.Run(); !done) return tl::unexpected(done.error());
  bytes_ += key_.size() + kNodeBytes;
  known = {next_id_, named, key_};
  return next_id_++;
}

Status Interner::NameContainer(uint64_t home, const RowTexts& texts) {
  for (size_t i = kContainerId; i <= kK8sPod; i++) name_container_.PutTextOrNull(texts[i]);
  if (auto done = name_container_.Put(static_cast<int64_t>(home)).Run(); !done) return done;
  const auto known = containers_.find(home);
  if (known == containers_.end() || known->second.named) return {};
  MakeKey(texts, kContainerId, kExe);
  known->second.key = key_;
  known->second.named = !texts[kContainerName].empty();
  return {};
}

Result<int64_t> Interner::Program(const RowTexts& texts, uint32_t uid, uint32_t gid) {
  MakeKey(texts, kExe, kTexts);
  for (const uint32_t id : {uid, gid}) key_.append(reinterpret_cast<const char*>(&id), sizeof id);
  const auto found = programs_.find(key_);
  if (found != programs_.end()) return found->second;
  add_program_.Put(next_id_);
  for (size_t i = kExe; i <= kParent; i++) add_program_.PutTextOrNull(texts[i]);
  if (auto done = add_program_.Put(uid).Put(gid).Run(); !done) return tl::unexpected(done.error());
  bytes_ += key_.size() + kNodeBytes;
  programs_.emplace(key_, next_id_);
  return next_id_++;
}

void Interner::Forget() {
  containers_.clear();
  programs_.clear();
  bytes_ = 0;
}

}  // namespace nsw::store
