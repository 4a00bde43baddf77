// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/definitions.h"

#include <algorithm>

#include "engine/rule/condition_lexer.h"
#include "engine/rule/condition_parser.h"

namespace nsw::rule {
namespace {

constexpr size_t kListMax = 100'000;  // words of one list, lists in it expanded

}  // namespace

Word ItemWord(const Text& text, Diagnostics& diagnostics) {
  const std::string& value = text.value;
  Word word{value, false, {&text, 0}};
  const bool quoted =
      value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0];
  if (!quoted) return word;
  std::string error;
  auto inner = Unescape(std::string_view(value).substr(1, value.size() - 2), value[0], error);
  if (inner) {
    word.text = std::move(*inner);
    word.quoted = true;
  } else {
    diagnostics.Error(text.place, error);
  }
  return word;
}

Definitions::Definitions(const ItemsIr& items, Diagnostics& diagnostics) {
  // In the order in which what holds was defined: a list can only name earlier ones.
  std::vector<const Ordered<ListIr>*> lists;
  for (const auto& list : items.lists) lists.push_back(&list);
  std::ranges::sort(lists, {}, [](const auto* list) { return list->last; });
  for (const auto* list : lists) AddList(*list, items, diagnostics);

  for (const auto& macro : items.macros) {
    macro_index_.emplace(macro.item.name.value, macros_.size());
    macros_.push_back({&macro, ParseCondition(macro.item.condition, diagnostics)});
  }
}

void Definitions::AddList(const Ordered<ListIr>& list, const ItemsIr& items,
                          Diagnostics& diagnostics) {
  std::vector<Word> words;
  for (const Text& item : list.item.items) {
    Word word = ItemWord(item, diagnostics);
    const auto found = word.quoted ? lists_.end() : lists_.find(word.text);
    if (found != lists_.end()) {
      if (words.size() + found->second.size() > kListMax) {
        diagnostics.Error(item.place,
                          "the list " + list.item.name.value +
                              " has more than 100000 entries, with those of the lists in it");
        break;
      }
      words.insert(words.end(), found->second.begin(), found->second.end());
      continue;
    }
    const auto later = [&](const auto& other) {
      return other.item.name.value == word.text && other.first > list.last;
    };
    if (!word.quoted && std::ranges::any_of(items.lists, later)) {
      diagnostics.Warn(
          item.place,
          Quoted(word.text) + " is the text itself here: the list of that name comes later",
          "move the list up, or quote the text");
    }
    words.push_back(std::move(word));
  }
  lists_[list.item.name.value] = std::move(words);
}

const Macro* Definitions::FindMacro(std::string_view name) const {
  const auto found = macro_index_.find(name);
  return found == macro_index_.end() ? nullptr : &macros_[found->second];
}

std::string_view Definitions::NearestMacro(std::string_view name) const {
  std::vector<std::string_view> names;
  for (const Macro& macro : macros_) names.push_back(macro.ir->item.name.value);
  return Nearest(name, names);
}

std::vector<Word> Definitions::Expand(const std::vector<Word>& words) const {
  std::vector<Word> all;
  for (const Word& word : words) {
    const auto found = word.quoted ? lists_.end() : lists_.find(word.text);
    if (found == lists_.end()) {
      all.push_back(word);
    } else {
      all.insert(all.end(), found->second.begin(), found->second.end());
    }
  }
  return all;
}

}  // namespace nsw::rule
