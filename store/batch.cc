// SPDX-License-Identifier: Apache-2.0
#include "store/batch.h"

#include <cstring>
#include <utility>

namespace nsw::store {
namespace {

constexpr size_t kTextLimit = 4096;
constexpr size_t kFirstCapacity = 64 << 10;

size_t RoundUp(size_t size) { return (size + 7) & ~size_t{7}; }

std::string_view Cut(std::string_view text) { return text.substr(0, kTextLimit); }

size_t Sum(const std::array<uint16_t, kTexts>& sizes) {
  size_t sum = 0;
  for (const uint16_t size : sizes) sum += size;
  return sum;
}

}  // namespace

void AddContainerTexts(const container::Container& container, RowTexts& texts) {
  texts[kContainerId] = Cut(container.id);
  texts[kContainerName] = Cut(container.name);
  texts[kImage] = Cut(container.image.reference.empty() ? container.image.repository
                                                        : container.image.reference);
  texts[kK8sNamespace] = Cut(container.k8s_namespace);
  texts[kK8sPod] = Cut(container.k8s_pod);
}

RowTexts TextsOf(const event::Event& event) {
  RowTexts texts;
  if (event.binding != nullptr) AddContainerTexts(event.binding->container, texts);
  if (event.process != nullptr) {
    texts[kExe] = Cut(event.process->exepath);
    texts[kName] = Cut(event.process->name);
    texts[kCmdline] = Cut(event.process->cmdline);
  } else {
    const char* comm = event.header().comm;
    texts[kName] = {comm, strnlen(comm, sizeof event.header().comm)};
  }
  if (event.parent != nullptr) {
    texts[kParent] =
        Cut(event.parent->exepath.empty() ? event.parent->name : event.parent->exepath);
  }
  return texts;
}

std::span<const std::byte> NewRow::record() const {
  return {reinterpret_cast<const std::byte*>(this + 1), record_size};
}

RowTexts NewRow::texts() const {
  const char* at = reinterpret_cast<const char*>(this + 1) + record_size;
  RowTexts texts;
  for (size_t i = 0; i < kTexts; i++) {
    texts[i] = {at, text_sizes[i]};
    at += text_sizes[i];
  }
  return texts;
}

size_t Batch::RowBytes(const event::Event& event, const RowTexts& texts) {
  size_t size = sizeof(NewRow) + event.record().size();
  for (const std::string_view text : texts) size += text.size();
  return RoundUp(size);
}

void Batch::Reserve(size_t more) {
  if (used_ + more <= capacity_) return;
  size_t capacity = std::max(capacity_, kFirstCapacity);
  while (capacity < used_ + more) capacity *= 2;
  auto rows = std::make_unique_for_overwrite<std::byte[]>(capacity);
  if (used_ != 0) std::memcpy(rows.get(), rows_.get(), used_);
  rows_ = std::move(rows);
  capacity_ = capacity;
}

void Batch::AddRow(const NewRow& row, const event::Event& event, const RowTexts& texts) {
  const size_t size = RowBytes(event, texts);
  Reserve(size);
  NewRow header = row;
  header.record_size = static_cast<uint32_t>(event.record().size());
  for (size_t i = 0; i < kTexts; i++) {
    header.text_sizes[i] = static_cast<uint16_t>(texts[i].size());
  }
  std::byte* at = rows_.get() + used_;
  const auto put = [&](const void* data, size_t length) {
    if (length != 0) std::memcpy(at, data, length);
    at += length;
  };
  put(&header, sizeof header);
  put(event.record().data(), event.record().size());
  for (const std::string_view text : texts) put(text.data(), text.size());
  used_ += size;
  bytes_ += size;
}

uint32_t Batch::AddCount(const Count& count) {
  counts_.push_back(count);
  bytes_ += sizeof count;
  return static_cast<uint32_t>(counts_.size() - 1);
}

void Batch::Add(NewAlert alert) {
  bytes_ += sizeof alert + alert.alert.output.size() + alert.alert.output_fields.size() * 80;
  alerts_.push_back(std::move(alert));
}

void Batch::Add(Operation operation) {
  bytes_ +=
      sizeof operation + operation.what.size() + operation.detail.size() + operation.counter.size();
  operations_.push_back(std::move(operation));
}

void Batch::Add(RuleName name) {
  bytes_ += sizeof name + name.name.size() + name.policy.size();
  rules_.push_back(std::move(name));
}

void Batch::Add(NamedContainer container) {
  bytes_ += sizeof container;
  containers_.push_back(std::move(container));
}

bool Batch::ForEachRow(const std::function<bool(const NewRow&)>& visit) const {
  for (size_t at = 0; at < used_;) {
    const auto& row = *reinterpret_cast<const NewRow*>(rows_.get() + at);
    if (!visit(row)) return false;
    at += RoundUp(sizeof row + row.record_size + Sum(row.text_sizes));
  }
  return true;
}

void Batch::Clear() {
  if (used_ < capacity_ / 4) {  // the flood is over: give its memory back
    capacity_ = 0;
    rows_.reset();
    counts_ = {};
  }
  used_ = bytes_ = 0;
  events = oldest_ns = 0;
  by_type.fill(0);
  counts_.clear();
  alerts_.clear();
  operations_.clear();
  rules_.clear();
  containers_.clear();
}

}  // namespace nsw::store
