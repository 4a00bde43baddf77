// SPDX-License-Identifier: Apache-2.0
// Reading maps of a policy file by a table of their keys: an unknown key, a key that is not built
// yet and a wrong kind of value are each told with their place. Used by the readers of policies and
// of rules.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rule/diagnostics.h"
#include "engine/rule/rule.h"
#include "engine/rule/yaml_reader.h"

namespace nsw::rule {

/// A key of the language that this version refuses, with a word on what to do instead.
struct UnsupportedKey {
  std::string_view key;
  std::string_view hint;
};

class MapReader {
 public:
  /// `what` names the map in messages: "a policy", "a rule". Tells of every key that is in neither
  /// table.
  MapReader(const YamlNode& map, std::string_view what, std::span<const std::string_view> known,
            std::span<const UnsupportedKey> unsupported, Diagnostics& diagnostics);

  [[nodiscard]] const YamlNode& node() const { return map_; }
  /// Null when the key is not there.
  [[nodiscard]] const YamlNode* Find(std::string_view key) const;
  /// The scalar, if the key is there and has one; an error if it has another kind, or is empty.
  [[nodiscard]] std::optional<Text> Scalar(std::string_view key) const;
  /// The same, and an error if it is not there.
  [[nodiscard]] std::optional<Text> Required(std::string_view key) const;
  [[nodiscard]] std::optional<bool> Bool(std::string_view key) const;
  /// A list of scalars; a single scalar is a list of one. Empty when the key is not there.
  [[nodiscard]] std::vector<Text> Scalars(std::string_view key) const;
  [[nodiscard]] std::optional<Priority> ReadPriority(std::string_view key) const;
  [[nodiscard]] std::vector<std::string> Tags() const;

 private:
  const YamlNode& map_;
  std::string what_;
  Diagnostics& diagnostics_;
};

/// "a list", "a map", ... for messages.
std::string_view KindName(YamlNode::Kind kind);
std::optional<Priority> ParsePriority(std::string_view name);

}  // namespace nsw::rule
