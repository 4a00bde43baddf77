// SPDX-License-Identifier: Apache-2.0
// What deny and allow lists are asked about: one act on one object, and who performs it. An event
// is one or more such acts. Plain values; views into the event.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/event/event.h"
#include "engine/rule/deny_plan.h"

namespace nsw::rule {

/// One object, by what it can be found under; what it has not got is empty.
struct DenyAct {
  uint32_t classes = 0;  ///< asked for: bit per DenyClass
  std::string_view path;
  std::string_view abstract;  ///< name of an abstract unix socket, without its mark
  const nsw_addr* address = nullptr;
  uint16_t port = 0;
  uint8_t protocol = 0;
  uint32_t number = 0;   ///< of SOCKET, CAPABILITY, OPERATION: as in DenyKey
  uint32_t origins = 0;  ///< of EXEC: bit per DenyOrigin
};

struct DenyActor {
  std::string_view exe;                         ///< what it runs at the act; empty: unknown
  std::span<const std::string_view> ancestors;  ///< what those above it in its container run
  bool joined = false;
};

/// The acts of one event, and its actor. Not to be copied: it has views into itself.
class DenyActs {
 public:
  explicit DenyActs(const event::Event& event);
  DenyActs(const DenyActs&) = delete;
  DenyActs& operator=(const DenyActs&) = delete;

  [[nodiscard]] std::span<const DenyAct> acts() const { return {acts_.data(), count_}; }
  [[nodiscard]] const DenyActor& actor() const { return actor_; }
  /// The file and the program that the container's first process runs from now on; empty: this
  /// is not that.
  [[nodiscard]] std::array<std::string_view, 2> first_programs() const;

 private:
  static constexpr size_t kMax = 4;  // a rename has two objects, a bind mount an operation, too
  static constexpr size_t kAncestors = 32;

  void Add(const DenyAct& act);
  void AddPath(uint32_t classes, std::string_view path);
  void AddTables();
  void AddExec();
  void AddOpen();
  void AddEnd(DenyClass deny_class, const nsw_addr& address, uint32_t port);
  void AddSocket();
  void AddNamespaces(uint64_t made);
  void AddKill();
  void FindActor();

  const event::Event& event_;
  std::array<DenyAct, kMax> acts_;
  size_t count_ = 0;
  DenyActor actor_;
  std::array<std::string_view, kAncestors> ancestors_;
};

}  // namespace nsw::rule
