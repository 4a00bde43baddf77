// SPDX-License-Identifier: Apache-2.0
#include "store/describe.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <sstream>
#include <string_view>

#include "engine/event/address.h"
#include "store/json_text.h"

namespace nsw::store {
namespace {

using event::Encoding;
using event::Event;
using event::RecordField;
using event::Type;

constexpr size_t kTypes = static_cast<size_t>(Type::kCount);

// What may differ between two acts that people call the same. A field that is not here keeps acts
// apart, so that a new one never merges what should not be.
constexpr std::array<std::string_view, 10> kIncidental{
    "ino",       "dev",       "local",      "local_port", "child_start_ns",
    "child_pid", "child_tid", "target_pid", "address",    "length"};

size_t SizeOf(Encoding encoding) {
  switch (encoding) {
    case Encoding::U64:
    case Encoding::S64:
      return 8;
    case Encoding::U32:
    case Encoding::S32:
      return 4;
    case Encoding::U16:
      return 2;
    case Encoding::ADDR:
      return sizeof(nsw_addr);
    default:
      return 0;  // a text
  }
}

bool IsText(const RecordField& field) { return SizeOf(field.encoding) == 0; }

template <typename T>
T Read(const Event& event, const RecordField& field) {
  T value;
  std::memcpy(&value, event.record().data() + field.offset, sizeof value);
  return value;
}

uint64_t Unsigned(const Event& event, const RecordField& field) {
  switch (SizeOf(field.encoding)) {
    case 8:
      return Read<uint64_t>(event, field);
    case 4:
      return Read<uint32_t>(event, field);
    default:
      return Read<uint16_t>(event, field);
  }
}

int64_t Signed(const Event& event, const RecordField& field) {
  if (field.encoding == Encoding::S32) return Read<int32_t>(event, field);
  return static_cast<int64_t>(Unsigned(event, field));
}

void AppendNumber(const Event& event, const RecordField& field, std::string& out) {
  char room[24];
  std::to_chars_result end{};
  if (field.encoding == Encoding::S64) {
    end = std::to_chars(room, room + sizeof room, Read<int64_t>(event, field));
  } else if (field.encoding == Encoding::S32) {
    end = std::to_chars(room, room + sizeof room, Read<int32_t>(event, field));
  } else {
    end = std::to_chars(room, room + sizeof room, Unsigned(event, field));
  }
  out.append(room, end.ptr);
}

// The fields of one event.
std::span<const RecordField> FieldsOf(Type type) {
  static const auto spans = [] {
    std::array<std::span<const RecordField>, kTypes> out;
    const auto all = event::RecordFields();
    for (size_t i = 0; i < all.size(); i++) {
      auto& span = out[static_cast<size_t>(all[i].event)];
      span = all.subspan(span.empty() ? i : static_cast<size_t>(span.data() - all.data()),
                         span.size() + 1);
    }
    return out;
  }();
  return spans[static_cast<size_t>(type)];
}

const RecordField* Named(Type type, std::string_view name) {
  for (const RecordField& field : FieldsOf(type)) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

const RecordField* First(Type type, Encoding encoding) {
  for (const RecordField& field : FieldsOf(type)) {
    if (field.encoding == encoding) return &field;
  }
  return nullptr;
}

// Which fields the object of each event is made of; null where there is none.
struct ObjectFields {
  std::vector<const RecordField*> named;  // by events.def; then no other counts
  const RecordField* path = nullptr;
  const RecordField* address = nullptr;
  const RecordField* text = nullptr;
};

ObjectFields MakeObjectFields(Type type) {
  ObjectFields fields;
  std::istringstream names{std::string(event::Info(type).object)};
  for (std::string name; names >> name;) {
    if (const RecordField* field = Named(type, name)) fields.named.push_back(field);
  }
  if (fields.named.empty()) fields.path = First(type, Encoding::PATH);
  fields.address = First(type, Encoding::ADDR);
  fields.text = First(type, Encoding::STR);
  return fields;
}

const ObjectFields& ObjectFieldsOf(Type type) {
  static const auto table = [] {
    std::array<ObjectFields, kTypes> out;
    for (size_t i = 0; i < kTypes; i++) out[i] = MakeObjectFields(static_cast<Type>(i));
    return out;
  }();
  return table[static_cast<size_t>(type)];
}

// False where there is no address: a unix socket, a failed look-up. [::] with a port is one.
bool AppendAddress(const Event& event, const RecordField& field, const RecordField* port_field,
                   std::string& out) {
  const auto address = Read<nsw_addr>(event, field);
  const uint64_t port = port_field == nullptr ? 0 : Unsigned(event, *port_field);
  if (event::IsZero(address) && port == 0) return false;
  const bool v6 = !event::IsIpv4(address);
  char room[INET6_ADDRSTRLEN];
  if (v6) out += '[';
  out += event::AddressText(address, room);
  if (v6) out += ']';
  if (port_field == nullptr) return true;
  out += ':';
  AppendNumber(event, *port_field, out);
  return true;
}

const RecordField* PortOf(const RecordField& address) {
  return Named(address.event, std::string(address.name) + "_port");
}

// A path; the caller's own text of it, which stands behind it, where the kernel resolved none.
std::string_view PathOrRaw(const Event& event, const RecordField* field) {
  const std::string_view path = event.text(field->text);
  if (!path.empty() || field->encoding != Encoding::PATH) return path;
  const auto all = FieldsOf(event.type());
  const RecordField* next = field + 1;
  const bool raw = next != all.data() + all.size() && next->name.ends_with("raw");
  return raw ? event.text(next->text) : path;
}

// A number, by its name where it has one.
void AppendNumberText(const Event& event, const RecordField& field, std::string& out) {
  char room[1024];
  out += event::NameOf(field.names, static_cast<int64_t>(Signed(event, field)), room);
}

void AppendOne(const Event& event, const RecordField* field, std::string& out) {
  if (IsText(*field)) {
    out += PathOrRaw(event, field);
  } else if (field->encoding == Encoding::ADDR) {
    AppendAddress(event, *field, PortOf(*field), out);
  } else {
    AppendNumberText(event, *field, out);
  }
}

// "PTRACE_ATTACH 4711 nginx". What is empty is left out.
void AppendNamed(const Event& event, std::span<const RecordField* const> fields, std::string& out) {
  const size_t start = out.size();
  for (const RecordField* field : fields) {
    const size_t before = out.size();
    if (before != start) out += ' ';
    const size_t text = out.size();
    AppendOne(event, field, out);
    if (out.size() == text) out.resize(before);
  }
}

void AppendArguments(std::string_view args, std::string& out) {
  out += '[';
  if (!args.empty() && args.back() == '\0') args.remove_suffix(1);
  for (size_t end = 0;; args.remove_prefix(end + 1)) {
    end = args.find('\0');
    AppendJson(out, args.substr(0, end));
    if (end == std::string_view::npos) break;
    out += ',';
  }
  out += ']';
}

// False where the field says nothing.
bool HasValue(const Event& event, const RecordField& field) {
  if (IsText(field)) return !event.text(field.text).empty();
  if (field.encoding == Encoding::ADDR) return !event::IsZero(Read<nsw_addr>(event, field));
  return Unsigned(event, field) != 0;
}

void AppendValue(const Event& event, const RecordField& field, std::string& out) {
  if (field.encoding == Encoding::ARGS) {
    AppendArguments(event.text(field.text), out);
  } else if (IsText(field)) {
    AppendJson(out, event.text(field.text));
  } else if (field.encoding == Encoding::ADDR) {
    char room[INET6_ADDRSTRLEN];
    AppendJson(out, event::AddressText(Read<nsw_addr>(event, field), room));
  } else if (field.names != nullptr) {
    const size_t start = out.size();
    AppendNumberText(event, field, out);
    out.insert(start, 1, '"');
    out += '"';
  } else {
    AppendNumber(event, field, out);
  }
}

KeyLayout MakeLayout(Type type) {
  KeyLayout layout;
  layout.folds = type != Type::k_exec && type != Type::k_home;
  for (const RecordField& field : FieldsOf(type)) {
    if (std::ranges::find(kIncidental, field.name) != kIncidental.end()) continue;
    if (IsText(field)) {
      layout.texts.push_back(field.text);
    } else {
      layout.numbers.push_back({field.offset, static_cast<uint16_t>(SizeOf(field.encoding))});
    }
  }
  return layout;
}

}  // namespace

const KeyLayout& LayoutOf(Type type) {
  static const auto table = [] {
    std::array<KeyLayout, kTypes> out;
    for (size_t i = 1; i < kTypes; i++) out[i] = MakeLayout(static_cast<Type>(i));
    return out;
  }();
  return table[static_cast<size_t>(type)];
}

void AppendObject(const Event& event, std::string& out) {
  const ObjectFields& fields = ObjectFieldsOf(event.type());
  const size_t start = out.size();
  AppendNamed(event, fields.named, out);
  if (out.size() != start) return;
  if (fields.path != nullptr && HasValue(event, *fields.path)) {
    out += event.text(fields.path->text);
  } else if (fields.address != nullptr &&
             AppendAddress(event, *fields.address, PortOf(*fields.address), out)) {
    return;
  } else if (fields.text != nullptr) {
    out += event.text(fields.text->text);
  }
}

void AppendDetail(const Event& event, std::string& out) {
  out += '{';
  const size_t start = out.size();
  for (const RecordField& field : FieldsOf(event.type())) {
    if (!HasValue(event, field)) continue;
    if (out.size() != start) out += ',';
    AppendJson(out, field.name);
    out += ':';
    AppendValue(event, field, out);
  }
  out += '}';
}

}  // namespace nsw::store
