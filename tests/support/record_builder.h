// SPDX-License-Identifier: Apache-2.0
// Records as the kernel writes them, for tests: the fixed part, then the texts. A path is given as
// people write it and stored leaf first. The bytes are as many as the record says, so that
// AddressSanitizer sees the first one read behind them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/event/event.h"

namespace nsw::test {

/// operator new aligns to 16, and decoding wants 8.
using Bytes = std::vector<std::byte>;

/// "/etc/passwd" becomes "passwd/etc/", "/" becomes "".
inline std::string LeafFirst(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const size_t slash = path.rfind('/');
    const std::string_view name = path.substr(slash + 1);
    if (!name.empty()) out.append(name).append("/");
    path = slash == std::string_view::npos ? "" : path.substr(0, slash);
  }
  return out;
}

template <typename Struct>
class RecordBuilder {
 public:
  explicit RecordBuilder(event::Type type) {
    fixed_.h.type = static_cast<__u16>(type);
    Pid(100, 1'000'000'000).Parent(1).Name("sh");
  }

  [[nodiscard]] Struct& fixed() { return fixed_; }
  [[nodiscard]] nsw_header& h() { return fixed_.h; }

  RecordBuilder& Home(uint64_t home, uint32_t pidns = 2) {
    h().home = home;
    h().pidns = pidns;
    return *this;
  }
  RecordBuilder& Pid(uint32_t pid, uint64_t start_ns) {
    h().pid = h().tid = pid;
    h().vpid = pid % 1000;
    h().start_ns = start_ns;
    return *this;
  }
  RecordBuilder& Parent(uint32_t pid) {
    h().ppid = pid;
    return *this;
  }
  RecordBuilder& Time(uint64_t ns) {
    h().time_ns = ns;
    return *this;
  }
  RecordBuilder& Result(int64_t result) {
    h().result = result;
    return *this;
  }
  RecordBuilder& Verdict(nsw_verdict_code verdict, uint32_t rule) {
    h().verdict = static_cast<__u8>(verdict);
    h().rule = rule;
    return *this;
  }
  RecordBuilder& Life(uint16_t life) {
    h().life = life;
    return *this;
  }
  RecordBuilder& Flags(unsigned flags) {
    h().flags = static_cast<__u8>(flags);
    return *this;
  }
  RecordBuilder& Name(std::string_view comm) {
    std::memset(h().comm, 0, sizeof h().comm);
    std::memcpy(h().comm, comm.data(), std::min(comm.size(), sizeof h().comm));
    return *this;
  }
  RecordBuilder& Text(nsw_str Struct::*member, std::string_view text) {
    (fixed_.*member).off = static_cast<__u16>(sizeof(Struct) + texts_.size());
    (fixed_.*member).len = static_cast<__u16>(text.size());
    texts_ += text;
    return *this;
  }
  RecordBuilder& Path(nsw_str Struct::*member, std::string_view path) {
    return Text(member, LeafFirst(path));
  }
  RecordBuilder& Args(nsw_str Struct::*member, std::initializer_list<std::string_view> args) {
    std::string all;
    for (const std::string_view arg : args) all.append(arg).push_back('\0');
    return Text(member, all);
  }

  [[nodiscard]] Bytes Build() {
    h().size = static_cast<__u32>(sizeof(Struct) + texts_.size());
    Bytes bytes(h().size);
    std::memcpy(bytes.data(), &fixed_, sizeof fixed_);
    std::memcpy(bytes.data() + sizeof fixed_, texts_.data(), texts_.size());
    return bytes;
  }

 private:
  Struct fixed_{};
  std::string texts_;
};

inline RecordBuilder<nsw_event_home> HomeRecord() {
  return RecordBuilder<nsw_event_home>(event::Type::k_home);
}
inline RecordBuilder<nsw_event_fork> ForkRecord(uint32_t child, uint64_t start_ns) {
  RecordBuilder<nsw_event_fork> record(event::Type::k_fork);
  record.fixed().child_pid = record.fixed().child_tid = child;
  record.fixed().child_start_ns = start_ns;
  return record;
}
inline RecordBuilder<nsw_event_exec> ExecRecord(std::string_view exe,
                                                std::initializer_list<std::string_view> args) {
  RecordBuilder<nsw_event_exec> record(event::Type::k_exec);
  record.h().syscall = NSW_SYSCALL_execve;
  record.Name(std::string_view(exe.substr(exe.rfind('/') + 1)).substr(0, 15));
  return record.Path(&nsw_event_exec::exe, exe)
      .Path(&nsw_event_exec::file, exe)
      .Path(&nsw_event_exec::cwd, "/work")
      .Args(&nsw_event_exec::args, args)
      .Text(&nsw_event_exec::raw, exe);
}
inline RecordBuilder<nsw_event_exit> ExitRecord() {
  return RecordBuilder<nsw_event_exit>(event::Type::k_exit);
}
inline RecordBuilder<nsw_event_open> OpenRecord(std::string_view path) {
  RecordBuilder<nsw_event_open> record(event::Type::k_open);
  record.h().syscall = NSW_SYSCALL_openat;
  record.fixed().file_mode = 0100644;
  return record.Path(&nsw_event_open::path, path).Text(&nsw_event_open::raw, path);
}
inline RecordBuilder<nsw_event_connect> ConnectRecord() {
  RecordBuilder<nsw_event_connect> record(event::Type::k_connect);
  record.h().syscall = NSW_SYSCALL_connect;
  return record;
}

}  // namespace nsw::test
