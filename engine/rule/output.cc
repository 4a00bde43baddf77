// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/output.h"

#include <algorithm>
#include <charconv>

#include "engine/rule/falco_fields.h"
#include "engine/rule/value.h"

namespace nsw::rule {
namespace {

bool IsFieldChar(char c) {
  return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
}

// The longest beginning of `word` that is a field, ending where a dot is: "%fd.name." ends a
// sentence.
const event::Field* LongestField(std::string_view& word) {
  for (std::string_view name = word;;) {
    if (const event::Field* field = event::FindField(name)) {
      word = name;
      return field;
    }
    const size_t dot = name.rfind('.');
    if (dot == std::string_view::npos) return nullptr;
    name = name.substr(0, dot);
  }
}

}  // namespace

struct OutputTemplate::Parser {
  OutputTemplate& out;
  const Text& text;
  bool falco;
  Diagnostics* diagnostics;  // null: nothing is told
  bool good = true;
  std::string literal = {};

  void Parse() {
    const std::string_view all = text.value;
    for (size_t at = 0; at < all.size();) {
      if (all[at] != '%') {
        literal += all[at++];
      } else if (all.substr(at).starts_with("%%")) {
        literal += '%';
        at += 2;
      } else {
        at = ParseField(at);
      }
    }
    if (!literal.empty()) out.parts_.push_back({std::move(literal)});
  }

  // The field after the % at `at`; gives the offset after it.
  size_t ParseField(size_t at) {
    const std::string_view all = text.value;
    size_t begin = at + 1;
    while (begin < all.size() && all[begin] >= '0' && all[begin] <= '9')
      begin++;  // Falco's width: not kept
    size_t end = begin;
    while (end < all.size() && IsFieldChar(all[end])) end++;
    std::string_view word = all.substr(begin, end - begin);
    while (word.ends_with('.')) word.remove_suffix(1);
    if (word.find('.') == std::string_view::npos) {
      Error(at,
            "expected a field after %, and found " +
                Quoted(all.substr(begin, std::max<size_t>(1, word.size()))),
            "write %% for a percent sign");
      return std::max(begin, begin + word.size());
    }
    const size_t after = begin + word.size();
    const event::Field* field = LongestField(word);
    if (field == nullptr) return Unknown(at, word, after);
    return Add(*field, begin, begin + word.size());
  }

  size_t Add(const event::Field& field, size_t begin, size_t end) {
    const std::string_view all = text.value;
    uint32_t index = 0;
    std::string name(field.name);
    if (end < all.size() && all[end] == '[' && field.indexed) {
      const size_t close = all.find(']', end);
      const char* last = all.data() + std::min(close, all.size());
      const auto [stop, error] = std::from_chars(all.data() + end + 1, last, index);
      if (close == std::string_view::npos || error != std::errc{} || stop != last) {
        Error(begin, name + " takes a number in [ ]", "write " + name + "[1]");
        return end + 1;
      }
      end = close + 1;
      name += "[" + std::to_string(index) + "]";
    }
    if (field.keyed && !TakeKey(field, begin, end, index, name)) return end;
    out.parts_.push_back({std::exchange(literal, {}), &field, index});
    if (std::ranges::find(out.fields_, &field) == out.fields_.end()) out.fields_.push_back(&field);
    if (std::ranges::find(out.refs_, name, &OutputField::name) == out.refs_.end()) {
      out.refs_.push_back({std::move(name), &field, index});
    }
    return end;
  }

  // [KEY], or .KEY as Falco has it, at `end`, which is moved after it.
  bool TakeKey(const event::Field& field, size_t begin, size_t& end, uint32_t& index,
               std::string& name) {
    const std::string_view all = text.value;
    const size_t first = end + 1;
    std::string_view key;
    if (all.substr(end).starts_with('[')) {
      key = all.substr(first, std::min(all.find(']', first), all.size()) - first);
      end = first + key.size() + 1;
    } else if (all.substr(end).starts_with('.')) {
      while (end + 1 < all.size() && IsFieldChar(all[end + 1])) end++;
      while (all[end] == '.' && end >= first) end--;
      key = all.substr(first, end + 1 - first);
      end++;
    }
    if (key.empty() || end > all.size()) {
      Error(begin, name + " takes a key in [ ]", "write " + name + "[app]");
      end = std::min(end, all.size());
      return false;
    }
    index = event::KeyNumber(key);
    name = std::string(field.name) + "[" + std::string(key) + "]";
    return true;
  }

  // "%container.info" is Falco's magic word; its fields are in each alert anyway.
  size_t Unknown(size_t at, std::string_view word, size_t after) {
    const std::string_view all = text.value;
    if (falco && IsFalcoField(word)) {
      if (diagnostics != nullptr && word != "container.info") {
        diagnostics->WarnOnce(text.At(at), "the field " + std::string(word) +
                                               " is not supported yet: outputs have <NA> for it");
      }
      if (word != "container.info") literal += "<NA>";
      if (after < all.size() && all[after] == '[')
        after = std::min(all.find(']', after), all.size() - 1) + 1;
      return after;
    }
    Error(at, "there is no field " + std::string(word), FieldHint(word));
    literal += "<NA>";
    return after;
  }

  void Error(size_t at, std::string message, std::string hint) {
    good = false;
    if (diagnostics != nullptr)
      diagnostics->Error(text.At(at), std::move(message), std::move(hint));
  }
};

std::shared_ptr<const OutputTemplate> OutputTemplate::Parse(const Text& text, bool falco,
                                                            Diagnostics& diagnostics) {
  auto out = std::make_shared<OutputTemplate>();
  Text trimmed = text;  // a block scalar ends with a newline
  while (!trimmed.value.empty() && (trimmed.value.back() == '\n' || trimmed.value.back() == ' '))
    trimmed.value.pop_back();
  Parser parser{*out, trimmed, falco, &diagnostics};
  parser.Parse();
  return parser.good ? out : nullptr;
}

std::shared_ptr<const OutputTemplate> OutputTemplate::Make(const std::string& text) {
  auto out = std::make_shared<OutputTemplate>();
  const Text own{text};
  Parser parser{*out, own, false, nullptr};
  parser.Parse();
  return out;
}

std::string OutputTemplate::Render(const event::Event& event) const {
  std::string text;
  event::Scratch scratch;
  for (const Part& part : parts_) {
    text += part.literal;
    if (part.field == nullptr) continue;
    text += event::ToText(*part.field, ValueOf(*part.field, event, part.index, scratch));
  }
  return text;
}

std::string RenderOutput(const OutputTemplate& output, const event::Event& event) {
  return output.Render(event);
}
std::span<const event::Field* const> OutputFields(const OutputTemplate& output) {
  return output.fields();
}
std::span<const OutputField> OutputFieldRefs(const OutputTemplate& output) {
  return output.output_fields();
}

}  // namespace nsw::rule
