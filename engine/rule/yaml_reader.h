// SPDX-License-Identifier: Apache-2.0
// The YAML reader: text to a tree of nodes that know their places. The one owner of yaml-cpp here:
// its exceptions stop in this file. Input is hostile: size, nesting, the number of nodes (aliases
// counted as often as they are used) and the encoding are bounded before anything else sees them.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/rule/diagnostics.h"
#include "engine/rule/source.h"

namespace nsw::rule {

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };
  Kind kind = Kind::kNull;
  Text scalar;  ///< kScalar; its place is the node's place, whatever the kind
  std::vector<const YamlNode*> items;  ///< kSequence
  std::vector<std::pair<const YamlNode*, const YamlNode*>>
      entries;        ///< kMap: keys are scalars, each there once
  size_t weight = 1;  ///< nodes of the tree below, aliases expanded

  [[nodiscard]] Place place() const { return scalar.place; }
  [[nodiscard]] bool is_scalar() const { return kind == Kind::kScalar; }
  [[nodiscard]] bool is_sequence() const { return kind == Kind::kSequence; }
  [[nodiscard]] bool is_map() const { return kind == Kind::kMap; }
  [[nodiscard]] bool is_null() const { return kind == Kind::kNull; }
};

struct YamlDocument {
  std::deque<YamlNode> nodes;      // owns; the pointers between nodes stay valid
  const YamlNode* root = nullptr;  ///< null: the file holds nothing
};

struct YamlLimits {
  size_t depth = 32;
  size_t nodes = 200'000;
};

/// Reads one document. On a mistake it is told to `diagnostics` and false is returned.
bool ReadYaml(const Source& source, YamlDocument& out, Diagnostics& diagnostics,
              const YamlLimits& limits = {});

}  // namespace nsw::rule
