// SPDX-License-Identifier: Apache-2.0
// Ports: a set of port numbers. What the kernel leaves out connects by. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace nsw::rule {

struct Word;      // ast.h
class Predicate;  // predicate.h

class Ports {
 public:
  static constexpr uint32_t kLast = 0xffff;
  /// From `first` to `last`, these included.
  struct Range {
    uint32_t first;
    uint32_t last;
    bool operator==(const Range&) const = default;
  };

  Ports() = default;  ///< none
  Ports(uint32_t first, uint32_t last) : ranges_{{first, last}} {}
  static Ports All() { return {0, kLast}; }

  [[nodiscard]] bool all() const { return *this == All(); }
  [[nodiscard]] bool Contains(uint32_t port) const;
  /// Ascending, with a gap between one and the next.
  [[nodiscard]] std::span<const Range> ranges() const { return ranges_; }

  /// Adds ports above all that it has.
  void Append(Range range);
  bool operator==(const Ports&) const = default;

 private:
  std::vector<Range> ranges_;
};

/// Where both, or either, can be: at least these. In more pieces than are worth keeping: all.
Ports Both(const Ports& a, const Ports& b);
Ports Either(const Ports& a, const Ports& b);

/// To which remote ports a check of a connect can hold, and to which it can fail.
struct PortLimits {
  Ports if_true = Ports::All();
  Ports if_false = Ports::All();
};

/// Of a check of a number, by its field's name, its predicate and the numbers that this compares
/// with. All ports where the field is not the remote port of a connect.
PortLimits PortsOf(std::string_view field, const Predicate& predicate, bool negated,
                   std::span<const Word> words);

}  // namespace nsw::rule
