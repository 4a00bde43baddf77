// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/keys.h"

#include <strings.h>

#include <algorithm>
#include <array>

namespace nsw::rule {
namespace {

constexpr std::array<std::string_view, 8> kPriorities{
    "Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"};

bool EqualNoCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

std::string_view PriorityName(Priority priority) {
  return kPriorities[static_cast<size_t>(priority) % 8];
}

std::optional<Priority> ParsePriority(std::string_view name) {
  if (EqualNoCase(name, "info")) return Priority::kInformational;
  for (size_t i = 0; i < kPriorities.size(); i++) {
    if (EqualNoCase(name, kPriorities[i])) return static_cast<Priority>(i);
  }
  return std::nullopt;
}

std::string_view KindName(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kScalar:
      return "a single value";
    case YamlNode::Kind::kSequence:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
  }
  return "";
}

MapReader::MapReader(const YamlNode& map, std::string_view what,
                     std::span<const std::string_view> known,
                     std::span<const UnsupportedKey> unsupported, Diagnostics& diagnostics)
    : map_(map), what_(what), diagnostics_(diagnostics) {
  for (const auto& [key, value] : map.entries) {
    const std::string& name = key->scalar.value;
    if (std::ranges::find(known, name) != known.end()) continue;
    const auto later = std::ranges::find(unsupported, name, &UnsupportedKey::key);
    if (later != unsupported.end()) {
      diagnostics.Error(key->place(), name + " is not supported yet", std::string(later->hint));
    } else {
      diagnostics.Error(key->place(), what_ + " has no key " + Quoted(name),
                        DidYouMean(name, known));
    }
  }
}

const YamlNode* MapReader::Find(std::string_view key) const {
  for (const auto& [name, value] : map_.entries) {
    if (name->scalar.value == key) return value;
  }
  return nullptr;
}

std::optional<Text> MapReader::Scalar(std::string_view key) const {
  const YamlNode* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_scalar() && !value->scalar.empty()) return value->scalar;
  diagnostics_.Error(value->place(), std::string(key) + " needs a single value, and has " +
                                         (value->is_scalar() ? "an empty one"
                                                             : std::string(KindName(value->kind))));
  return std::nullopt;
}

std::optional<Text> MapReader::Required(std::string_view key) const {
  if (Find(key) == nullptr)
    diagnostics_.Error(map_.place(), what_ + " needs the key " + std::string(key));
  return Scalar(key);
}

std::optional<bool> MapReader::Bool(std::string_view key) const {
  const auto text = Scalar(key);
  if (!text) return std::nullopt;
  if (text->value == "true") return true;
  if (text->value == "false") return false;
  diagnostics_.Error(text->place,
                     std::string(key) + " is true or false, not " + Quoted(text->value));
  return std::nullopt;
}

std::vector<Text> MapReader::Scalars(std::string_view key) const {
  const YamlNode* value = Find(key);
  if (value == nullptr) return {};
  if (value->is_scalar() && !value->scalar.empty()) return {value->scalar};
  std::vector<Text> texts;
  if (!value->is_sequence()) {
    diagnostics_.Error(
        value->place(),
        std::string(key) + " needs a list, and has " + std::string(KindName(value->kind)),
        "write " + std::string(key) + ": [a, b]");
    return texts;
  }
  for (const YamlNode* item : value->items) {
    if (item->is_scalar() && !item->scalar.empty()) {
      texts.push_back(item->scalar);
    } else {
      diagnostics_.Error(
          item->place(),
          "an entry of " + std::string(key) + " is a single value, not " +
              (item->is_scalar() ? "an empty one" : std::string(KindName(item->kind))));
    }
  }
  return texts;
}

std::optional<Priority> MapReader::ReadPriority(std::string_view key) const {
  const auto text = Scalar(key);
  if (!text) return std::nullopt;
  const auto priority = ParsePriority(text->value);
  if (!priority) {
    diagnostics_.Error(text->place, Quoted(text->value) + " is not a priority",
                       DidYouMean(text->value, kPriorities));
  }
  return priority;
}

std::vector<std::string> MapReader::Tags() const {
  std::vector<std::string> tags;
  for (const Text& tag : Scalars("tags")) tags.push_back(tag.value);
  return tags;
}

}  // namespace nsw::rule
