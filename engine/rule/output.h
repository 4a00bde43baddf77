// SPDX-License-Identifier: Apache-2.0
// OutputTemplate: a rule's `output`, taken apart once: "%proc.name wrote %fd.name". Immutable.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/event/field.h"
#include "engine/rule/diagnostics.h"
#include "engine/rule/rule.h"

namespace nsw::rule {

class OutputTemplate {
 public:
  /// Null after a mistake. `falco`: a field that Falco has and nswarden has not is "<NA>", with a
  /// warning.
  static std::shared_ptr<const OutputTemplate> Parse(const Text& text, bool falco,
                                                     Diagnostics& diagnostics);
  /// For the engine's own templates: a field that there is not is "<NA>".
  static std::shared_ptr<const OutputTemplate> Make(const std::string& text);

  [[nodiscard]] std::string Render(const event::Event& event) const;
  [[nodiscard]] std::span<const event::Field* const> fields() const { return fields_; }
  [[nodiscard]] std::span<const OutputField> output_fields() const { return refs_; }

 private:
  struct Part {
    std::string literal;                  // stands before the field
    const event::Field* field = nullptr;  // null: the literal alone
    uint32_t index = 0;
  };
  struct Parser;

  std::vector<Part> parts_;
  std::vector<const event::Field*> fields_;  // each once
  std::vector<OutputField> refs_;            // each once, with its index
};

}  // namespace nsw::rule
