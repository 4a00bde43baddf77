// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/diagnostics.h"

#include <algorithm>
#include <utility>

namespace nsw::rule {
namespace {

Diagnostic At(Place place, bool warning, std::string message, std::string hint) {
  Diagnostic d;
  if (place.source != nullptr) {
    const Position position = place.source->At(place.offset);
    d.file = place.source->name();
    d.line = position.line;
    d.column = position.column;
  }
  d.warning = warning;
  d.message = std::move(message);
  d.hint = std::move(hint);
  return d;
}

// How many letters must be changed, added, taken away, or swapped with the next one.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before;  // the row before the last
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); j++) last[j] = j;
  for (size_t i = 1; i <= a.size(); i++) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); j++) {
      const size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::exchange(last, row);
  }
  return last[b.size()];
}

size_t CommonPrefix(std::string_view a, std::string_view b) {
  return static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

std::string Diagnostic::Text() const {
  std::string text = file;
  if (line > 0) text += ":" + std::to_string(line) + ":" + std::to_string(column);
  text += ": ";
  if (warning) text += "warning: ";
  text += message;
  if (!hint.empty()) text += "; " + hint;
  return text;
}

void Diagnostics::Begin(const std::string& file) {
  if (std::ranges::find(files_, file) == files_.end()) files_.push_back(file);
}

void Diagnostics::Add(Diagnostic diagnostic) {
  if (!diagnostic.warning) errors_++;
  Begin(diagnostic.file);
  if (all_.size() >= kMax) {
    // Warnings make room: an error must not be hidden behind them.
    const auto warning = std::ranges::find_if(all_, &Diagnostic::warning);
    if (diagnostic.warning || warning == all_.end()) return;
    all_.erase(warning);
  }
  const auto key =
      std::make_tuple(diagnostic.file, diagnostic.line, diagnostic.column, diagnostic.message);
  if (seen_.insert(key).second) all_.push_back(std::move(diagnostic));
}

void Diagnostics::Error(Place place, std::string message, std::string hint) {
  Add(At(place, false, std::move(message), std::move(hint)));
}

void Diagnostics::Warn(Place place, std::string message, std::string hint) {
  Add(At(place, true, std::move(message), std::move(hint)));
}

void Diagnostics::WarnOnce(Place place, std::string message) {
  if (once_.emplace(place.source, message).second) Warn(place, std::move(message));
}

void Diagnostics::FileError(const std::string& file, std::string message, std::string hint) {
  Add({.file = file, .message = std::move(message), .hint = std::move(hint)});
}

void Diagnostics::FileWarning(const std::string& file, std::string message, std::string hint) {
  Add({.file = file, .warning = true, .message = std::move(message), .hint = std::move(hint)});
}

std::vector<Diagnostic> Diagnostics::Take() {
  const auto rank = [this](const Diagnostic& d) {
    return std::make_tuple(std::ranges::find(files_, d.file), d.line, d.column);
  };
  std::ranges::stable_sort(all_, [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return std::exchange(all_, {});
}

std::string_view Nearest(std::string_view name, std::span<const std::string_view> candidates) {
  std::string_view best;
  size_t least = std::max<size_t>(1, name.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > name.size() + least || name.size() > candidate.size() + least) continue;
    const size_t distance = Distance(name, candidate);
    // Of two that are as near, the one that begins alike for longer.
    const bool tie = distance == least && !best.empty();
    if (distance > least || (distance == least && !tie)) continue;
    if (tie && CommonPrefix(name, candidate) <= CommonPrefix(name, best)) continue;
    least = distance;
    best = candidate;
  }
  return best;
}

std::string DidYouMean(std::string_view name, std::span<const std::string_view> candidates) {
  const std::string_view nearest =
      name.size() > 100 ? std::string_view{} : Nearest(name, candidates);
  if (!nearest.empty()) return "did you mean " + std::string(nearest) + "?";
  std::string all;
  for (const std::string_view candidate : candidates) {
    if (!all.empty()) all += ", ";
    all += candidate;
  }
  return all.empty() ? all : "known are " + all;
}

std::string FieldHint(std::string_view name) {
  static const auto names = [] {
    std::vector<std::string_view> all;
    for (const event::Field& field : event::Fields()) all.push_back(field.name);
    return all;
  }();
  const std::string_view nearest = name.size() > 100 ? std::string_view{} : Nearest(name, names);
  return nearest.empty() ? "nswarden fields lists them"
                         : "did you mean " + std::string(nearest) + "?";
}

std::string Quoted(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text.substr(0, 80)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += c;
    }
  }
  // Not in the middle of a character.
  while (text.size() > 80 && out.size() > 1 &&
         (static_cast<unsigned char>(out.back()) & 0xc0) == 0x80)
    out.pop_back();
  if (text.size() > 80) {
    if ((static_cast<unsigned char>(out.back()) & 0xc0) == 0xc0) out.pop_back();
    out += "...";
  }
  return out + "\"";
}

}  // namespace nsw::rule
