// SPDX-License-Identifier: Apache-2.0
// The naive evaluator: every rule of every policy on every event, straight from the syntax tree, by
// plain text comparison. It shares the parser and the fields with the engine and nothing else: no
// compiler, no predicate, no index by event. What the engine matches must be what this matches.
#pragma once

#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/event/event.h"
#include "engine/rule/definitions.h"
#include "engine/rule/ir.h"

namespace nsw::bench {

class NaiveEvaluator {
 public:
  /// The policies of a directory, for every container. Error: the first mistake.
  static Result<std::unique_ptr<NaiveEvaluator>> Load(const std::filesystem::path& directory);

  /// Names of the rules that match a bound event, in the policies' order.
  [[nodiscard]] std::vector<std::string> Match(const event::Event& event) const;

 private:
  struct Rule {
    const rule::Text* name;
    rule::ExprPtr condition;
    const rule::Definitions* definitions;
  };

  rule::Diagnostics diagnostics_;
  std::deque<rule::Source> sources_;
  std::deque<rule::PolicyIr> policies_;
  std::deque<rule::Definitions> definitions_;
  std::vector<Rule> rules_;
};

}  // namespace nsw::bench
