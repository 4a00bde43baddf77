// SPDX-License-Identifier: Apache-2.0
// The intermediate form: what a policy file says, checked for shape (keys, kinds, required parts)
// but not yet for meaning. Made by the readers, read by the compiler. Every text knows its place.
// Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/rule/deny_entry.h"
#include "engine/rule/rule.h"
#include "engine/rule/source.h"

namespace nsw::rule {

struct ListIr {
  Text name;
  std::vector<Text> items;
};

struct MacroIr {
  Text name;
  Text condition;
};

/// `fields`, `comps` and each of `values` of an exception: a text, or a list of texts or lists.
struct ExceptionValue {
  Text item;  ///< its place is the value's, list or not
  bool is_list = false;
  std::vector<ExceptionValue> items;
};

struct ExceptionIr {
  Text name;
  ExceptionValue fields;
  std::optional<ExceptionValue> comps;
  std::vector<ExceptionValue> values;
};

struct RuleIr {
  Text name;
  Text condition;
  Text output;
  Priority priority = Priority::kError;
  std::vector<std::string> tags;
  std::vector<ExceptionIr> exceptions;
  bool enabled = true;
  Action action = Action::kAlert;
  uint64_t deny_for_ns = 0;   ///< 0: not
  bool skip_unknown = false;  ///< skip-if-unknown-filter
};

/// An item and its place among all items. A list or macro sees those whose `first` comes before its
/// own `last`.
template <typename Item>
struct Ordered {
  size_t first;  ///< where its name was defined first
  size_t last;   ///< where what holds was defined: later where a Falco file defines a name anew
  const Source* file;  ///< in which it was defined first
  Item item;
};

/// Items of a `rules:` list or of the Falco files, each kind in order.
struct ItemsIr {
  std::vector<Ordered<ListIr>> lists;
  std::vector<Ordered<MacroIr>> macros;
  std::vector<Ordered<RuleIr>> rules;
  size_t count = 0;  ///< definitions so far
};

struct SelectorIr {
  std::vector<Text> images;
  std::vector<Text> containers;
  std::vector<Text> k8s_namespaces;
  std::vector<Text> pods;
  std::vector<Text> labels;  ///< "key=value", or "key" for any value
  bool all_labels = false;   ///< given as a map: each must be there; as a list: one of them
  std::optional<bool> privileged;
};

/// `by`, `ancestor`, `when` as written; empty: not given.
struct ConditionIr {
  std::vector<Text> by;
  std::vector<Text> ancestor;
  std::vector<Text> when;
};

struct ExceptIr {
  std::vector<Text> objects;  ///< `path`, `to`, `name`
  ConditionIr condition;
};

/// An entry of a deny or allow list.
struct DenyIr {
  const ListKey* list = nullptr;
  bool allow = false;
  Text entry;
  ConditionIr condition;
  std::vector<ExceptIr> except;
  Action action = Action::kDeny;
  Priority priority = Priority::kError;
  std::vector<std::string> tags;
  std::optional<Text> output;
};

/// That there is an allow list, be it empty.
struct AllowIr {
  const ListKey* list = nullptr;
  Place place;
};

struct PolicyIr {
  const Source* source = nullptr;
  std::string sha256;
  Text name;
  std::string description;
  Mode mode = Mode::kAudit;
  bool host = false;
  bool falco = false;  ///< a plain Falco rules file
  SelectorIr selector;
  std::vector<DenyIr> entries;  ///< of `deny` and `allow`
  std::vector<AllowIr> allow;
  std::vector<Text> until;  ///< executables that end the startup phase; empty: there is none
  bool fallback_kill = false;
  ItemsIr items;
};

}  // namespace nsw::rule
