// SPDX-License-Identifier: Apache-2.0
// Selector: which containers a policy is for. All keys must agree; of a key's list one entry is
// enough.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/container/container.h"
#include "engine/rule/diagnostics.h"
#include "engine/rule/ir.h"

namespace nsw::rule {

class Selector {
 public:
  Selector() = default;
  Selector(const SelectorIr& ir, Diagnostics& diagnostics);

  [[nodiscard]] bool Matches(const container::Container& container) const;

 private:
  struct ImagePattern {
    std::string written;  // repository part as written: for a pattern that begins with a wildcard
    std::string repository;  // normalised: "docker.io/library/nginx"; "" is any
    std::string tag;         // "" is any
    std::string digest;      // "" is any
    bool wild = false;       // `written` is compared, too

    [[nodiscard]] bool Matches(const container::Image& image) const;
  };
  struct LabelPattern {
    std::string key;
    std::optional<std::string> value;  // none: any value
  };

  void AddImage(const Text& text, Diagnostics& diagnostics);

  std::vector<ImagePattern> images_;
  std::vector<std::string> containers_;
  std::vector<std::string> namespaces_;
  std::vector<std::string> pods_;
  std::vector<LabelPattern> labels_;
  bool all_labels_ = false;
  std::optional<bool> privileged_;
};

}  // namespace nsw::rule
