// SPDX-License-Identifier: Apache-2.0
// Diagnostics: collects the mistakes of all files while loading goes on, so that they come all at
// once. One for each load; not shared between threads.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "engine/rule/rule.h"
#include "engine/rule/source.h"

namespace nsw::rule {

class Diagnostics {
 public:
  /// A file that is loaded, or would be; its diagnostics stand after those of the files before.
  void Begin(const std::string& file);

  static constexpr size_t kMax = 200;  ///< what is beyond is only counted

  void Error(Place place, std::string message, std::string hint = {});
  void Warn(Place place, std::string message, std::string hint = {});
  void Error(const Where& where, std::string message, std::string hint = {}) {
    Error(where.place(), std::move(message), std::move(hint));
  }
  /// Only where nothing of that message has been said of the file.
  void WarnOnce(Place place, std::string message);
  /// Of a file as a whole.
  void FileError(const std::string& file, std::string message, std::string hint = {});
  void FileWarning(const std::string& file, std::string message, std::string hint = {});

  [[nodiscard]] size_t errors() const { return errors_; }
  /// All, in the order of the files and, within each, of the places.
  [[nodiscard]] std::vector<Diagnostic> Take();

 private:
  void Add(Diagnostic diagnostic);

  std::vector<Diagnostic> all_;
  std::set<std::tuple<std::string, int, int, std::string>>
      seen_;  // a macro's mistake is found at each use
  std::set<std::pair<const Source*, std::string>> once_;
  std::vector<std::string> files_;
  size_t errors_ = 0;
};

/// The candidate that is a slip of the pen away from `name`; "" if none is.
std::string_view Nearest(std::string_view name, std::span<const std::string_view> candidates);
/// A hint: the nearest candidate, or else all of them.
std::string DidYouMean(std::string_view name, std::span<const std::string_view> candidates);
/// The same for a field of rules.
std::string FieldHint(std::string_view name);
/// `text` in double quotes, control characters escaped, shortened when long.
std::string Quoted(std::string_view text);

}  // namespace nsw::rule
