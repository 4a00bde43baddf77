// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/deny_matcher.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace nsw::rule {
namespace {

using event::Event;
using event::Type;

// Position of a text among the texts of its event.
size_t TextOf(Type type, std::string_view name) {
  const auto fields = event::RecordFields();
  const auto found = std::ranges::find_if(
      fields, [&](const auto& f) { return f.event == type && f.name == name; });
  return found == fields.end() ? 0 : found->text;
}

// What an open is, as the language means read and write. O_PATH gives no access to content.
uint32_t ClassesOfOpen(const nsw_event_open& open) {
  uint32_t classes = 0;
  const unsigned mode = open.flags & O_ACCMODE;
  if ((open.flags & O_PATH) == 0) {
    if (mode == O_RDONLY || mode == O_RDWR) classes |= 1U << NSW_CLASS_READ;
    if (mode != O_RDONLY || (open.flags & O_TRUNC) != 0) classes |= 1U << NSW_CLASS_WRITE;
  }
  if (open.created != 0) classes |= 1U << NSW_CLASS_WRITE;
  return classes;
}

size_t Least(const std::array<size_t, NSW_CLASS_COUNT>& by_class, uint32_t classes) {
  size_t least = DenyMatcher::kNone;
  for (unsigned i = 0; i < NSW_CLASS_COUNT; i++) {
    if ((classes >> i & 1) != 0) least = std::min(least, by_class[i]);
  }
  return least;
}

bool InPrefix(const NetRange& range, const nsw_addr& address) {
  const size_t whole = range.prefix / 8;
  if (std::memcmp(range.address.data(), address.b, whole) != 0) return false;
  const unsigned rest = range.prefix % 8;
  return rest == 0 || ((range.address[whole] ^ address.b[whole]) & (0xff00U >> rest) & 0xff) == 0;
}

}  // namespace

DenyMatcher::DenyMatcher(std::span<const DenyEntry> entries) {
  for (size_t i = 0; i < entries.size(); i++) {
    const DenyEntry& entry = entries[i];
    classes_ |= entry.classes;
    switch (entry.kind) {
      case DenyKind::kPath:
        Add(paths_, entry, i);
        break;
      case DenyKind::kBelow:
        Add(below_, entry, i);
        break;
      case DenyKind::kName:
        Add(names_, entry, i);
        break;
      case DenyKind::kNet:
        nets_.push_back({entry.net, i});
        break;
    }
  }
}

void DenyMatcher::Add(Table& table, const DenyEntry& entry, size_t position) {
  ByClass none;
  none.fill(kNone);
  ByClass& by_class = table.try_emplace(entry.path, none).first->second;
  for (unsigned i = 0; i < NSW_CLASS_COUNT; i++) {
    if ((entry.classes >> i & 1) != 0) by_class[i] = std::min(by_class[i], position);
  }
}

size_t DenyMatcher::Match(const Event& event) const {
  switch (event.type()) {
    case Type::k_exec: {
      static const size_t kExe = TextOf(Type::k_exec, "exe");
      static const size_t kFile = TextOf(Type::k_exec, "file");
      constexpr uint32_t kExec = 1U << NSW_CLASS_EXEC;
      if ((classes_ & kExec) == 0) return kNone;
      return std::min(MatchPath(event.text(kFile), kExec), MatchPath(event.text(kExe), kExec));
    }
    case Type::k_open: {
      static const size_t kPath = TextOf(Type::k_open, "path");
      const uint32_t classes = classes_ & ClassesOfOpen(event.as<nsw_event_open>());
      return classes == 0 ? kNone : MatchPath(event.text(kPath), classes);
    }
    case Type::k_connect:
      return nets_.empty() ? kNone : MatchConnect(event);
    default:
      return kNone;
  }
}

size_t DenyMatcher::MatchPath(std::string_view path, uint32_t classes) const {
  size_t least = kNone;
  if (!path.starts_with('/')) return least;  // no object
  const auto look = [&](const Table& table, std::string_view key) {
    const auto found = table.find(key);
    if (found != table.end()) least = std::min(least, Least(found->second, classes));
  };
  if (!paths_.empty()) look(paths_, path);
  if (!names_.empty()) look(names_, path.substr(path.rfind('/') + 1));
  if (below_.empty()) return least;
  if (path.size() > 1) look(below_, "/");
  for (size_t slash = path.find('/', 1); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    look(below_, path.substr(0, slash));
  }
  return least;
}

size_t DenyMatcher::MatchConnect(const Event& event) const {
  const auto& connect = event.as<nsw_event_connect>();
  if (connect.family != AF_INET && connect.family != AF_INET6) return kNone;
  for (const auto& [range, entry] : nets_) {
    const bool port =
        connect.remote_port >= range.port_low && connect.remote_port <= range.port_high;
    const bool protocol = range.protocol == 0 || range.protocol == connect.protocol;
    if (port && protocol && InPrefix(range, connect.remote)) return entry;
  }
  return kNone;
}

}  // namespace nsw::rule
