// SPDX-License-Identifier: Apache-2.0
#include "store/render.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/escape.h"
#include "store/json_text.h"

namespace nsw::store {
namespace {

// Characters above 0x7f that steer a terminal or turn the direction of what follows.
bool Steers(std::string_view character) {
  if (character.size() == 2) {
    return character[0] == '\xc2' && static_cast<unsigned char>(character[1]) < 0xa0;
  }
  if (character.size() != 3 || character[0] != '\xe2') return false;
  const auto second = static_cast<unsigned char>(character[1]);
  const auto third = static_cast<unsigned char>(character[2]);
  if (second == 0x80) return third >= 0xa8 && third <= 0xae;  // U+2028 to U+202E
  return second == 0x81 && third >= 0xa6 && third <= 0xa9;    // U+2066 to U+2069
}

void AppendHex(std::string& out, std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (const char c : bytes) {
    out += "\\x";
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
}

// Of control characters what CSV has words for stays as it is. So do backslashes: those of JSON.
std::string PrintableCsv(std::string_view text) {
  constexpr std::string_view kKept = "\r\n\t";
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8Length(text.substr(i));
    const std::string_view character = text.substr(i, length == 0 ? 1 : length);
    const auto c = static_cast<unsigned char>(character[0]);
    const bool control = (c < 0x20 || c == 0x7f) && kKept.find(character[0]) == kKept.npos;
    if (length == 0 || control || Steers(character)) {
      AppendHex(out, character);
    } else {
      out += character;
    }
    i += character.size();
  }
  return out;
}

// ---- table ----

std::string LocalTime(uint64_t ns) {
  const auto seconds = static_cast<time_t>(ns / 1'000'000'000);
  tm parts{};
  localtime_r(&seconds, &parts);
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

struct Column {
  std::string_view name;
  size_t width;
};
constexpr std::array kEventColumns{
    Column{"TIME", 19},    Column{"COUNT", 6},  Column{"CONTAINER", 16}, Column{"EVENT", 9},
    Column{"PROCESS", 18}, Column{"RESULT", 6}, Column{"VERDICT", 10},   Column{"OBJECT", 0}};
constexpr std::array kAlertColumns{Column{"TIME", 19}, Column{"PRIORITY", 13},
                                   Column{"CONTAINER", 16}, Column{"RULE", 28},
                                   Column{"OUTPUT", 0}};

// Columns of fixed width, so that rows can be printed as they come; what is longer is not cut.
void AppendCell(std::string& line, std::string_view text, size_t width) {
  line += text;
  if (width == 0) return;
  size_t characters = 0;
  for (const char c : text) characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  line.append(characters < width ? width - characters : 0, ' ').append("  ");
}

std::string ContainerText(const Row& row) {
  if (!row.container_name.empty()) return row.container_name;
  return row.container_id.empty() ? "-" : row.container_id.substr(0, 12);
}

std::string ProcessText(const Row& row) {
  if (row.event == "operation")
    return "uid " + std::to_string(row.uid) + "[" + std::to_string(row.pid) + "]";
  return row.process_name.empty() && row.pid == 0
             ? "-"
             : row.process_name + "[" + std::to_string(row.pid) + "]";
}

// The command line says more of an exec than the file.
std::string ObjectText(const Row& row) {
  std::string text = row.object;
  if (row.event == "exec" && !row.cmdline.empty()) text += "  " + row.cmdline;
  if (!row.rule.empty()) text += "  (" + row.rule + ")";
  return text;
}

std::string TableRow(const Row& row, bool alerts) {
  std::string line;
  AppendCell(line, LocalTime(row.first_ns), kEventColumns[0].width);
  if (alerts) {
    const std::string rule = row.verdict.empty() ? row.rule : row.rule + " " + row.verdict;
    AppendCell(line, Escape(row.priority), kAlertColumns[1].width);
    AppendCell(line, Escape(ContainerText(row)), kAlertColumns[2].width);
    AppendCell(line, Escape(rule), kAlertColumns[3].width);
    AppendCell(line, Escape(row.output), 0);
  } else {
    const std::array cells{std::to_string(row.count),
                           ContainerText(row),
                           row.event == "operation" ? row.type : row.event,
                           ProcessText(row),
                           std::to_string(row.result),
                           row.verdict.empty() ? std::string("-") : row.verdict,
                           ObjectText(row)};
    for (size_t i = 0; i < cells.size(); i++) {
      AppendCell(line, Escape(cells[i]), kEventColumns[i + 1].width);
    }
  }
  return line + "\n";
}

// ---- JSON and CSV: the same fields ----

struct Item {
  std::string_view name;
  std::string text;
  enum { kText, kNumber, kJson } kind = kText;
};

std::vector<Item> ItemsOf(const Row& row) {
  const auto number = [](auto value) { return std::to_string(value); };
  return {{"time", Rfc3339(row.first_ns)},
          {"last", Rfc3339(row.last_ns)},
          {"count", number(row.count), Item::kNumber},
          {"container_id", row.container_id},
          {"container", row.container_name},
          {"image", row.image},
          {"k8s_namespace", row.k8s_namespace},
          {"k8s_pod", row.k8s_pod},
          {"event", row.event},
          {"type", row.type},
          {"pid", number(row.pid), Item::kNumber},
          {"ppid", number(row.ppid), Item::kNumber},
          {"uid", number(row.uid), Item::kNumber},
          {"gid", number(row.gid), Item::kNumber},
          {"process", row.process},
          {"process_name", row.process_name},
          {"cmdline", row.cmdline},
          {"parent", row.parent},
          {"object", row.object},
          {"result", number(row.result), Item::kNumber},
          {"flags", number(row.flags), Item::kNumber},
          {"verdict", row.verdict},
          {"rule", row.rule},
          {"policy", row.policy},
          {"priority", row.priority},
          {"output", row.output},
          {"alerts", number(row.alerts), Item::kNumber},
          {"detail", row.detail, Item::kJson}};
}

std::string JsonRow(const Row& row) {
  std::string line = "{";
  for (const Item& item : ItemsOf(row)) {
    if (item.text.empty()) continue;
    if (line.size() > 1) line += ',';
    AppendJson(line, item.name);
    line += ':';
    if (item.kind == Item::kText) {
      AppendJson(line, item.text);
    } else {
      line += item.text;
    }
  }
  return PrintableJson(line) + "}\n";
}

// As OWASP recommends against formulas of an attacker's; the full-width forms, too.
bool LooksLikeFormula(std::string_view text) {
  static constexpr std::string_view kBegins[] = {"=",  "+",      "-",      "@",      "\t",    "\r",
                                                 "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"};
  return std::ranges::any_of(kBegins, [&](auto begin) { return text.starts_with(begin); });
}

std::string CsvCell(const Item& item) {
  std::string safe = PrintableCsv(item.text);
  if (item.kind == Item::kText && LooksLikeFormula(safe)) safe.insert(0, 1, '\'');
  if (safe.find_first_of(",\"\r\n") == std::string::npos) return safe;
  std::string out = "\"";
  for (const char c : safe) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string CsvRow(const Row& row) {
  std::string line;
  for (const Item& item : ItemsOf(row)) {
    if (!line.empty()) line += ',';
    line += CsvCell(item);
  }
  return line + "\r\n";
}

template <size_t kCount>
std::string TableHeader(const std::array<Column, kCount>& columns) {
  std::string line;
  for (const Column& column : columns) AppendCell(line, column.name, column.width);
  return line + "\n";
}

}  // namespace

std::string RenderHeader(Format format, bool alerts) {
  if (format == Format::kJson) return "";
  if (format == Format::kTable)
    return alerts ? TableHeader(kAlertColumns) : TableHeader(kEventColumns);
  std::string line;
  for (const Item& item : ItemsOf({})) {
    if (!line.empty()) line += ',';
    line += item.name;
  }
  return line + "\r\n";
}

std::string Render(Format format, const Row& row, bool alerts) {
  switch (format) {
    case Format::kJson:
      return JsonRow(row);
    case Format::kCsv:
      return CsvRow(row);
    default:
      return TableRow(row, alerts);
  }
}

}  // namespace nsw::store
