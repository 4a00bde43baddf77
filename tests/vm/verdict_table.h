// SPDX-License-Identifier: Apache-2.0
// The table of verdict_check: sets of entries, and what the kernel answers of files that it makes.
#pragma once

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/vm/entries.h"
#include "tests/vm/verdicts.h"

namespace nsw::test {

inline int failures = 0;

inline void Report(const std::string& name, bool good, const std::string& why) {
  printf(good ? "ok %s\n" : "not ok %s: %s\n", name.c_str(), why.c_str());
  if (!good) ++failures;
}

inline constexpr uint32_t kExec = 1U << NSW_CLASS_EXEC;
inline constexpr uint32_t kRead = 1U << NSW_CLASS_READ;
inline constexpr uint32_t kModify = 1U << NSW_CLASS_MODIFY;
inline constexpr uint32_t kConnect = 1U << NSW_CLASS_CONNECT;
inline constexpr uint32_t kBind = 1U << NSW_CLASS_BIND;

inline std::string Text(const Answer& a) {
  return "rule " + std::to_string(a.rule) + " mode " + std::to_string(a.mode) +
         (a.unresolved ? " unresolved" : "") + (a.kill ? " kill" : "");
}

class Table {
 public:
  Table(Verdicts& verdicts, std::string folder) : v_(verdicts), at_(std::move(folder)) {}

  /// `rule` 0: permitted. `path` is below the folder.
  void Is(const std::string& name, const std::string& path, uint32_t classes, uint32_t rule,
          uint32_t mode = NSW_VERDICT_DENIED, uint32_t label = 0) {
    const Answer a = v_.File(at_ + path, classes, label);
    Report(name, a.rule == rule && a.mode == (rule != 0 ? mode : 0U),
           path + ": " + Text(a) + ", not rule " + std::to_string(rule));
  }

  void Make(const std::string& path) {
    std::filesystem::create_directories(std::filesystem::path(at_ + path).parent_path());
    std::ofstream(at_ + path) << path << '\n';
  }

  void Shapes();
  void Names();
  void Doors();
  void Changes();
  void Lists();
  void Conditions();
  void Deep();
  void Networks();
  void Keys();
  void Pushes();
  void Follows();
  void Many();

 private:
  std::string P(const std::string& entry) const {
    std::string out = entry;
    for (size_t at = 0; (at = out.find("$D", at)) != std::string::npos;) out.replace(at, 2, at_);
    return out;
  }
  void LookAgain() {
    if (const auto looked = v_.driver().Refresh(kHome, getpid()); !looked)
      Die(looked.error().message);
  }
  void Use(std::vector<std::string> entries, bool resolve = true) {
    for (std::string& entry : entries) entry = P(entry);
    v_.Use(entries, resolve);
  }

  Verdicts& v_;
  std::string at_;
};

}  // namespace nsw::test
