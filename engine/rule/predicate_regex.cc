// SPDX-License-Identifier: Apache-2.0
// regex: the whole value is described by an RE2 pattern. The one place with RE2: it runs in linear
// time, whatever the pattern.
//
// A value is bytes: a file name need not be UTF-8, and one that is not must not slip past ".*". So
// a pattern of ASCII alone is matched byte by byte; one with other characters is matched as UTF-8,
// and where the value is none of that, byte by byte. For the same reason . matches a newline, too.
#include <re2/re2.h>

#include <algorithm>

#include "engine/rule/diagnostics.h"
#include "engine/rule/predicate.h"

namespace nsw::rule {
namespace {

constexpr size_t kPatternMax = 16384;        // bytes
constexpr int64_t kProgramMemory = 4 << 20;  // bytes for one pattern, compiled

bool IsAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

RE2::Options Options(bool bytes) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_max_mem(kProgramMemory);
  options.set_never_capture(true);
  options.set_encoding(bytes ? RE2::Options::EncodingLatin1 : RE2::Options::EncodingUTF8);
  return options;
}

class Regex final : public Predicate {
 public:
  explicit Regex(const std::string& pattern)
      : bytes_(pattern, Options(true)),
        utf8_(IsAscii(pattern) ? nullptr : std::make_unique<RE2>(pattern, Options(false))) {}

  [[nodiscard]] bool ok() const { return bytes_.ok() && (utf8_ == nullptr || utf8_->ok()); }
  [[nodiscard]] const std::string& error() const {
    return bytes_.ok() ? utf8_->error() : bytes_.error();
  }

  bool Test(const event::Value& value) const override {
    const re2::StringPiece text(value.text.data(), value.text.size());
    if (utf8_ != nullptr && RE2::FullMatch(text, *utf8_)) return true;
    return (utf8_ == nullptr || !IsAscii(value.text)) && RE2::FullMatch(text, bytes_);
  }

 private:
  RE2 bytes_;
  std::unique_ptr<RE2> utf8_;
};

}  // namespace

PredicatePtr MakeRegex(event::FieldType, Words words, OperandError& error) {
  const std::string& pattern = words[0].text;
  if (pattern.size() > kPatternMax) {
    error = {0, "a pattern of more than 16384 bytes", "split it"};
    return nullptr;
  }
  auto regex = std::make_unique<Regex>(pattern);
  if (regex->ok()) return regex;
  error = {0, Quoted(pattern) + " is not a pattern: " + regex->error(),
           "see github.com/google/re2/wiki/Syntax"};
  return nullptr;
}

}  // namespace nsw::rule
