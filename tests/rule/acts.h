// SPDX-License-Identifier: Apache-2.0
// Acts for tests of rules: a decoded event with the process, the parent and the container it is
// bound to. And short ways to load a policy and to ask it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/event/address.h"
#include "engine/event/event.h"
#include "engine/rule/rule.h"

namespace nsw::rule::test {

class Act {
 public:
  static std::unique_ptr<Act> Open(std::string_view path, uint32_t flags = O_RDONLY,
                                   bool created = false) {
    auto act = std::make_unique<Act>();
    auto& open = act->Start<nsw_event_open>(NSW_EVENT_OPEN, NSW_SYSCALL_openat);
    open.flags = flags;
    open.created = created ? 1 : 0;
    open.file_mode = S_IFREG | 0644;
    open.h.result = 3;
    act->Path(offsetof(nsw_event_open, path), path);
    act->Text(offsetof(nsw_event_open, raw), path);
    act->Finish();
    return act;
  }

  /// `file` was asked for, `exe` runs.
  static std::unique_ptr<Act> Exec(std::string_view file, std::string_view exe = {}) {
    auto act = std::make_unique<Act>();
    act->Start<nsw_event_exec>(NSW_EVENT_EXEC, NSW_SYSCALL_execve);
    act->Path(offsetof(nsw_event_exec, exe), exe.empty() ? file : exe);
    act->Path(offsetof(nsw_event_exec, file), file);
    act->Text(offsetof(nsw_event_exec, raw), file);
    act->Finish();
    return act;
  }

  static std::unique_ptr<Act> Connect(std::string_view address, uint32_t port,
                                      uint32_t protocol = IPPROTO_TCP) {
    auto act = std::make_unique<Act>();
    auto& connect = act->Start<nsw_event_connect>(NSW_EVENT_CONNECT, NSW_SYSCALL_connect);
    connect.remote = event::ParseAddress(address).value();
    connect.local = event::ParseAddress("10.9.9.9").value();
    connect.family = address.find(':') == std::string_view::npos ? AF_INET : AF_INET6;
    connect.socket_type = SOCK_STREAM;
    connect.protocol = protocol;
    connect.remote_port = port;
    connect.local_port = 40000;
    act->Finish();
    return act;
  }

  static std::unique_ptr<Act> Unix(std::string_view path) {
    auto act = std::make_unique<Act>();
    auto& connect = act->Start<nsw_event_connect>(NSW_EVENT_CONNECT, NSW_SYSCALL_connect);
    connect.family = AF_UNIX;
    act->Text(offsetof(nsw_event_connect, path), path);
    act->Finish();
    return act;
  }

  /// An act on a file, or on two.
  template <typename Struct>
  static std::unique_ptr<Act> File(uint16_t type, std::string_view path, std::string_view to = {}) {
    auto act = std::make_unique<Act>();
    act->Start<Struct>(type, NSW_SYSCALL_NONE);
    if constexpr (requires(Struct s) { s.path; }) act->Path(offsetof(Struct, path), path);
    if constexpr (requires(Struct s) { s.to; }) act->Path(offsetof(Struct, to), to);
    act->Finish();
    return act;
  }

  /// A descriptor of that file comes over a socket.
  static std::unique_ptr<Act> Received(std::string_view file) {
    auto act = std::make_unique<Act>();
    act->Start<nsw_event_receive>(NSW_EVENT_RECEIVE, NSW_SYSCALL_NONE);
    act->Path(offsetof(nsw_event_receive, file), file);
    act->Finish();
    return act;
  }

  /// An event of which only numbers matter; `fill` sets them.
  template <typename Struct, typename Fill>
  static std::unique_ptr<Act> Plain(uint16_t type, Fill fill) {
    auto act = std::make_unique<Act>();
    fill(act->Start<Struct>(type, NSW_SYSCALL_NONE));
    act->Finish();
    return act;
  }

  static std::unique_ptr<Act> Unshare(int64_t result) {
    auto act = std::make_unique<Act>();
    act->Start<nsw_event_namespace>(NSW_EVENT_NAMESPACE, NSW_SYSCALL_unshare);
    act->header().result = result;
    act->Finish();
    return act;
  }

  static std::unique_ptr<Act> Exit() {
    auto act = std::make_unique<Act>();
    act->Start<nsw_event_exit>(NSW_EVENT_EXIT, NSW_SYSCALL_NONE);
    act->Finish();
    return act;
  }

  nsw_header& header() { return *reinterpret_cast<nsw_header*>(record_.data()); }

  event::Event event;
  event::Process process;
  event::Process parent;
  container::Binding binding;

  /// A container of the host's processes: none.
  Act& OnHost() {
    event.binding = nullptr;
    return *this;
  }

 private:
  template <typename Struct>
  Struct& Start(uint16_t type, uint16_t syscall) {
    record_.assign(sizeof(Struct), std::byte{0});
    record_.reserve(65536);
    header().type = type;
    header().syscall = syscall;
    header().pid = 100;
    header().ppid = 50;
    header().uid = 1000;
    std::strcpy(header().comm, "comm");
    return *reinterpret_cast<Struct*>(record_.data());
  }

  void Text(size_t field, std::string_view text) {
    const nsw_str where{static_cast<uint16_t>(record_.size()), static_cast<uint16_t>(text.size())};
    std::memcpy(record_.data() + field, &where, sizeof where);
    for (const char c : text) record_.push_back(static_cast<std::byte>(c));
  }

  // Leaf first, as records have it: "/etc/passwd" is "passwd/etc/".
  void Path(size_t field, std::string_view path) {
    std::string turned;
    while (path.size() > 1) {
      const size_t slash = path.rfind('/');
      turned.append(path.substr(slash + 1)).append("/");
      path = path.substr(0, slash);
    }
    Text(field, turned);
  }

  void Finish() {
    while (record_.size() % 8 != 0) record_.push_back(std::byte{0});
    header().size = static_cast<uint32_t>(record_.size());
    EXPECT_EQ(event::Decode(record_, event), event::DecodeError::kNone);
    process.pid = 100;
    process.ppid = 50;
    process.name = "cat";
    process.exepath = "/usr/bin/cat";
    process.cmdline = "cat /etc/shadow";
    process.cwd = "/srv";
    parent.pid = 50;
    parent.name = "bash";
    parent.exepath = "/usr/bin/bash";
    parent.cmdline = "bash -c x";
    binding.home = 7;
    binding.is_container = true;
    binding.settled = true;
    binding.container.id = std::string(64, 'a');
    binding.container.name = "web";
    binding.container.runtime = "docker";
    binding.container.image = {"nginx:1.25", "docker.io/library/nginx", "1.25", ""};
    event.process = &process;
    event.parent = &parent;
    event.binding = &binding;
    event.number = 42;
  }

  std::vector<std::byte> record_;
};

/// Loads a policy that must be good; told otherwise with its diagnostics.
inline std::shared_ptr<const PolicySet> Load(const std::string& text) {
  const Loaded loaded = LoadPolicyText(text, "test.yaml");
  for (const Diagnostic& d : loaded.diagnostics) {
    if (!d.warning) ADD_FAILURE() << d.Text();
  }
  return loaded.set;
}

/// A policy of one rule "r" with that condition, as a single-quoted scalar.
inline std::string OneRule(std::string_view condition) {
  std::string quoted;
  for (const char c : condition) quoted += c == '\'' ? std::string("\'\'") : std::string(1, c);
  return "nswarden: 1\npolicy: p\nrules:\n  - rule: r\n    condition: '" + quoted +
         "'\n    output: x\n    priority: NOTICE\n";
}

/// The diagnostics of a text, without its name: "LINE:COL: what; hint".
inline std::vector<std::string> Mistakes(const std::string& text) {
  std::vector<std::string> all;
  for (const Diagnostic& d : LoadPolicyText(text, "f").diagnostics)
    all.push_back(d.Text().substr(2));
  return all;
}

/// "true", "false" or "unknown": what the one rule of the first policy says.
inline std::string Ask(const PolicySet& set, const event::Event& event) {
  const uint32_t first = 0;
  Matches matches;
  set.Match(event, {&first, 1}, matches);
  return matches.unknown ? "unknown" : matches.rules.size() == 0 ? "false" : "true";
}

inline std::string Ask(std::string_view condition, const event::Event& event) {
  const auto set = Load(OneRule(condition));
  return set == nullptr ? "not loaded" : Ask(*set, event);
}

}  // namespace nsw::rule::test
