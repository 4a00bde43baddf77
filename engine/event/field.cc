// SPDX-License-Identifier: Apache-2.0
#include "engine/event/field.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <limits>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "engine/event/address.h"
#include "engine/event/field_table.h"

namespace nsw::event {
namespace {

constexpr std::string_view kUntrusted = "untrusted:";
// What the LSM programs can decide at the act itself.
constexpr std::array<std::string_view, 4> kKernelDecidable{"fd.name", "fd.sip", "fd.sport",
                                                           "proc.exepath"};

FieldType TypeOf(const RecordField& record) {
  if (record.names != nullptr) return FieldType::kNamed;
  switch (record.encoding) {
    case Encoding::ADDR:
      return FieldType::kAddress;
    case Encoding::STR:
    case Encoding::PATH:
    case Encoding::ARGS:
      return FieldType::kString;
    default:
      return FieldType::kNumber;
  }
}

Field FromRecord(std::string_view name, const RecordField& record) {
  Field field;
  field.name = name;
  field.type = TypeOf(record);
  field.get = RecordValue;
  field.doc = record.doc;
  field.untrusted = record.doc.starts_with(kUntrusted);
  field.events = 0;
  return field;
}

// The field `name` has that value in the record's event.
void AddRecord(std::vector<Field>& table, std::string_view name, const RecordField& record) {
  auto found = std::ranges::find(table, name, &Field::name);
  if (found == table.end()) found = table.insert(table.end(), FromRecord(name, record));
  // Named in one event, it is named in all.
  if (record.names != nullptr && found->get == RecordValue) found->type = FieldType::kNamed;
  found->record[static_cast<size_t>(record.event)] = &record;
  found->events |= Bit(record.event);
}

void AddAlias(std::vector<Field>& table, const Alias& alias) {
  for (const RecordField& record : RecordFields()) {
    if (record.event == alias.event && record.name == alias.name)
      AddRecord(table, alias.rule_field, record);
  }
}

std::vector<Field> MakeTable() {
  std::vector<Field> table;
  for (const auto& group : {EventFields(), FileFields(), ProcessFields(), ContainerFields()}) {
    table.insert(table.end(), group.begin(), group.end());
  }
  for (const RecordField& record : RecordFields()) {
    if (!record.rule_field.empty()) AddRecord(table, record.rule_field, record);
  }
  for (const Alias& alias : Aliases()) AddAlias(table, alias);
  for (Field& field : table) {
    field.kernel_decidable =
        std::ranges::find(kKernelDecidable, field.name) != kKernelDecidable.end();
  }
  return table;
}

const std::vector<Field>& Table() {
  static const std::vector<Field> table = MakeTable();
  return table;
}

size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); j++) row[j] = j;
  for (size_t i = 1; i <= a.size(); i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); j++) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

template <typename T>
int64_t Load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return static_cast<int64_t>(value);
}

}  // namespace

int64_t RecordNumber(const RecordField& field, const Event& event) {
  const std::byte* at = event.record().data() + field.offset;
  switch (field.encoding) {
    case Encoding::U64:
    case Encoding::S64:
      return Load<int64_t>(at);
    case Encoding::U32:
      return Load<uint32_t>(at);
    case Encoding::S32:
      return Load<int32_t>(at);
    case Encoding::U16:
      return Load<uint16_t>(at);
    default:
      return 0;
  }
}

namespace {

// A text in a field that is a named number elsewhere is no number that a rule could ask for.
Value TextOfRecord(const Field& field, std::string_view text) {
  if (text.empty()) return Value::Absent();
  return field.type == FieldType::kNamed ? Value::Named(std::numeric_limits<int64_t>::min(), text)
                                         : Value::Text(text);
}

}  // namespace

Value RecordValue(const Field& field, const Event& event, uint32_t, Scratch& scratch) {
  const RecordField* record = field.record[event.header().type];
  if (record == nullptr) return Value::Absent();
  const std::byte* at = event.record().data() + record->offset;
  switch (record->encoding) {
    case Encoding::ADDR: {
      nsw_addr address;
      std::memcpy(&address, at, sizeof address);
      return IsZero(address) ? Value::Absent() : Value::Address(address);
    }
    case Encoding::ARGS:  // NULs between
      return TextOrAbsent(event.arguments());
    case Encoding::STR:
    case Encoding::PATH:
      return TextOfRecord(field, event.text(record->text));
    default:
      break;
  }
  const int64_t number = RecordNumber(*record, event);
  if (field.type != FieldType::kNamed) return Value::Number(number);
  return Value::Named(number, NameOf(record->names, number, scratch.text));
}

size_t TextOf(Type type, std::string_view name) {
  for (const RecordField& field : RecordFields()) {
    if (field.event == type && field.name == name) return field.text;
  }
  return 0;
}

std::span<const Field> Fields() { return Table(); }

const Field* FindField(std::string_view name) {
  static const auto index = [] {
    std::unordered_map<std::string_view, const Field*> map;
    for (const Field& field : Table()) map.emplace(field.name, &field);
    return map;
  }();
  const auto found = index.find(name);
  return found == index.end() ? nullptr : found->second;
}

const Field* FindKeyed(std::string_view name, std::string_view& key) {
  for (size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    const Field* field = FindField(name.substr(0, dot));
    if (field == nullptr || !field->keyed || dot + 1 == name.size()) continue;
    key = name.substr(dot + 1);
    return field;
  }
  return nullptr;
}

namespace {

struct Keys {
  std::shared_mutex mutex;
  std::deque<std::string> texts;  // which stay where they are
  std::unordered_map<std::string_view, uint32_t> numbers;
};
Keys& AllKeys() {
  static Keys keys;
  return keys;
}

}  // namespace

uint32_t KeyNumber(std::string_view key) {
  Keys& keys = AllKeys();
  const std::unique_lock lock(keys.mutex);
  if (const auto found = keys.numbers.find(key); found != keys.numbers.end()) return found->second;
  keys.texts.emplace_back(key);
  const auto number = static_cast<uint32_t>(keys.texts.size() - 1);
  keys.numbers.emplace(keys.texts.back(), number);
  return number;
}

const std::string& KeyOf(uint32_t number) {
  static const std::string none;
  Keys& keys = AllKeys();
  const std::shared_lock lock(keys.mutex);
  return number < keys.texts.size() ? keys.texts[number] : none;
}

std::string_view NearestField(std::string_view name) {
  std::string_view best;
  size_t nearest = 4;
  for (const Field& field : Table()) {
    const size_t distance = Distance(name, field.name);
    if (distance < nearest) {
      nearest = distance;
      best = field.name;
    }
  }
  return best;
}

namespace {

// Whether some event's number in `field` has names of which `fits` holds. A text of another event
// can be anything.
template <typename Fits>
bool AnyNames(const Field& field, Fits fits) {
  return std::ranges::any_of(field.record, [&](const RecordField* record) {
    if (record == nullptr) return false;
    const bool is_text = record->encoding >= Encoding::STR;
    return record->names == nullptr ? is_text : fits(*record->names);
  });
}

}  // namespace

bool KnowsName(const Field& field, std::string_view word) {
  return AnyNames(field, [&](const Enumeration& names) { return HasName(names, word); });
}

bool KnowsPart(const Field& field, std::string_view part, bool folded) {
  return AnyNames(field, [&](const Enumeration& names) { return HasPart(names, part, folded); });
}

std::string ToText(const Field& field, const Value& value) {
  if (value.presence != Presence::kKnown) return "<NA>";
  switch (field.type) {
    case FieldType::kString:
    case FieldType::kNamed:
      return std::string(value.text);
    case FieldType::kNumber:
      return std::to_string(value.number);
    case FieldType::kBool:
      return value.number != 0 ? "true" : "false";
    case FieldType::kAddress:
      return AddressText(value.address);
  }
  return "<NA>";
}

}  // namespace nsw::event
