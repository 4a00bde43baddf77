// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/symbols.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <vector>

namespace nsw::kernel {
namespace {

/// There are some 50,000: of a name only its hash is kept.
struct Symbol {
  size_t name;
  uint64_t address;
};

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

/// "ffffffff81234567 T __x64_sys_fork"; those of modules have "\t[module]" behind.
bool ParseLine(std::string_view line, Symbol& symbol) {
  const size_t kind = line.find(' ');
  if (kind == std::string_view::npos || !line.substr(kind).starts_with(" T ")) return false;
  const std::string_view name = line.substr(kind + 3, line.find('\n') - kind - 3);
  if (name.find('\t') != std::string_view::npos) return false;
  symbol.name = std::hash<std::string_view>()(name);
  return std::from_chars(line.data(), line.data() + kind, symbol.address, 16).ec == std::errc();
}

std::vector<Symbol> ReadSymbols() {
  std::vector<Symbol> symbols;
  const std::unique_ptr<std::FILE, Closer> file(std::fopen("/proc/kallsyms", "re"));
  if (!file) return symbols;
  char* line = nullptr;
  size_t room = 0;
  for (ssize_t length; (length = getline(&line, &room, file.get())) > 0;) {
    Symbol symbol{};
    if (ParseLine({line, static_cast<size_t>(length)}, symbol)) symbols.push_back(symbol);
  }
  std::free(line);
  std::ranges::sort(symbols, {}, &Symbol::name);
  symbols.shrink_to_fit();
  return symbols;
}

}  // namespace

std::optional<uint64_t> FindSymbol(std::string_view function) {
  static const std::vector<Symbol> symbols = ReadSymbols();
  const size_t name = std::hash<std::string_view>()(function);
  const auto same = std::ranges::equal_range(symbols, name, {}, &Symbol::name);
  if (same.empty()) return std::nullopt;
  return same.size() == 1 ? same.front().address : 0;
}

}  // namespace nsw::kernel
