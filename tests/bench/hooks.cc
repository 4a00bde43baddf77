// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/hooks.h"

#include <algorithm>
#include <cctype>

namespace nsw::bench {
namespace {

// "kprobe + kretprobe (pool 4096)" is two kinds.
std::vector<std::string> Kinds(const std::string& how) {
  std::vector<std::string> kinds;
  for (size_t at = 0; at < how.size();) {
    const size_t end = std::min(how.find(" + ", at), how.size());
    const std::string kind = how.substr(at, end - at);
    kinds.push_back(kind.substr(0, kind.find(' ')));
    at = end + 3;
  }
  return kinds;
}

}  // namespace

Status EmptyHooks::Attach(const std::vector<std::string>& attachments) {
  for (const std::string& line : attachments) {
    const size_t colon = line.find(": ");
    const std::string what = line.substr(0, colon);
    const std::vector<std::string> kinds = Kinds(line.substr(colon + 2));
    // A row of syscalls.def names the function of its 64-bit door by the call alone; others name
    // the function itself.
    const std::string door = "__x64_sys_" + what;
    const std::string function = kinds.size() > 1 && kernel::HasFunction(door) ? door : what;
    for (const std::string& kind : kinds) {
      if (Status attached = AttachOne(function, kind); !attached)
        return Fail(line + ": " + attached.error().message);
    }
  }
  return {};
}

Result<bpf_program*> EmptyHooks::Load(const std::string& kind, const std::string& function) {
  auto& object = objects_.emplace_back(empty__open());
  if (object == nullptr) return Fail("opening the object of empty programs");
  bpf_program* program = kernel::FindProgram(object->obj, "empty_" + kind);
  if (program == nullptr) return Fail("there is no empty program of the kind " + kind);
  bpf_program__set_autoload(program, true);
  if (kind != "kprobe" && kind != "kretprobe")
    bpf_program__set_attach_target(program, 0, function.c_str());
  if (empty__load(object.get()) != 0) return Fail("loading; " + kernel::TakeLibbpfLog());
  return program;
}

Status EmptyHooks::AttachOne(const std::string& function, const std::string& kind) {
  const Result<bpf_program*> program = Load(kind, function);
  if (!program) return tl::unexpected(program.error());
  if (kind == "kretprobe") {
    auto probe = kernel::PoolKretprobe::Attach(bpf_program__fd(*program), function,
                                               kernel::PoolKretprobe::kLarge);
    if (!probe) return tl::unexpected(probe.error());
    returns_.push_back(std::move(*probe));
    return {};
  }
  auto link =
      kind == "kprobe" ? kernel::AttachKprobe(*program, function, false) : kernel::Attach(*program);
  if (!link) return tl::unexpected(link.error());
  links_.push_back(std::move(*link));
  return {};
}

}  // namespace nsw::bench
