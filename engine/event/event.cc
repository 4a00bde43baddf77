// SPDX-License-Identifier: Apache-2.0
// The tables that events.def and syscalls.def become, and the decoder.
#include "engine/event/event.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace nsw::event {
namespace {

constexpr bool IsText(Encoding encoding) {
  return encoding == Encoding::STR || encoding == Encoding::PATH || encoding == Encoding::ARGS;
}

// The fields of all events, one after the other, each with its event; texts are numbered in the
// second step.
constexpr auto MakeRecordFields() {
  std::array fields{
#define EVENT(NAME, name, ...) \
  RecordField{Type::k_##name, Encoding::U64, 0, 0xff, "", "", nullptr, ""}, /* dropped below */
#define FIELD(kind, name, rule_field, names, doc) \
  RecordField{Type::kNone, Encoding::kind, 0, 0, #name, rule_field, kNames_##names, doc},
#define END
#include "bpf/events.def"
  };
  return fields;
}

// Where each field lies: offsetof needs the struct's name, which FIELD does not know; so EVENT
// opens a function per event.
#define EVENT(NAME, name, ...)                   \
  constexpr auto Offsets_##name() {              \
    using S [[maybe_unused]] = nsw_event_##name; \
    return std::to_array<uint16_t>({0,
#define FIELD(kind, name, ...) static_cast<uint16_t>(offsetof(S, name)),
#define END \
  });       \
  }
#include "bpf/events.def"

constexpr size_t kMarkers = static_cast<size_t>(Type::kCount) - 1;
static_assert(NSW_EVENT_COUNT < 64, "sets of events are masks of 64 bits, and one means more");
constexpr size_t kFields = MakeRecordFields().size() - kMarkers;

constexpr std::array<RecordField, kFields> NumberedFields() {
  std::array<RecordField, kFields> out{};
  constexpr auto raw = MakeRecordFields();
  std::array<uint16_t, raw.size()> offsets{};
  size_t at = 0;
  const auto append = [&](const auto& part) {
    for (uint16_t offset : part) offsets[at++] = offset;
  };
#define EVENT(NAME, name, ...) append(Offsets_##name());
#define FIELD(...)
#define END
#include "bpf/events.def"
  Type event = Type::kNone;
  uint8_t text = 0;
  size_t n = 0;
  for (size_t i = 0; i < raw.size(); i++) {
    if (raw[i].event != Type::kNone) {
      event = raw[i].event;
      text = 0;
      continue;
    }
    out[n] = raw[i];
    out[n].event = event;
    out[n].offset = offsets[i];
    if (IsText(raw[i].encoding)) out[n].text = text++;
    n++;
  }
  return out;
}

constexpr auto kRecordFields = NumberedFields();

constexpr std::array kInfos{
    EventInfo{},
#define EVENT(NAME, name, falco, ring, history, object, doc) \
  EventInfo{#name, falco, sizeof(nsw_event_##name), NSW_RING_##ring, History::history, object, doc},
#define FIELD(...)
#define END
#include "bpf/events.def"
};

constexpr std::array<std::string_view, NSW_SYSCALL_COUNT> kSyscalls{
    "",
#define SYSCALL(name, event, late, i386) #name,
#include "bpf/syscalls.def"
};

// The text fields of each event, so that decoding looks at no others.
struct Layout {
  std::array<RecordField, Event::kMaxTexts> texts{};
  size_t count = 0;
};

constexpr auto MakeLayouts() {
  std::array<Layout, static_cast<size_t>(Type::kCount)> layouts{};
  for (const RecordField& field : kRecordFields) {
    if (!IsText(field.encoding)) continue;
    Layout& layout = layouts[static_cast<size_t>(field.event)];
    layout.texts[layout.count++] = field;  // more than kMaxTexts does not compile
  }
  return layouts;
}

constexpr auto kLayouts = MakeLayouts();

constexpr size_t MostRewritten() {
  size_t most = 0;
  for (const Layout& layout : kLayouts) {
    size_t n = 0;
    for (size_t i = 0; i < layout.count; i++) n += layout.texts[i].encoding != Encoding::STR;
    most = std::max(most, n);
  }
  return most;
}

// "passwd/etc/" becomes "/etc/passwd"; empty becomes "/". Writes to `to`, which has room for length
// + 2 bytes.
std::string_view TurnRound(std::string_view leaf_first, char* to) {
  char* const end = to + leaf_first.size() + 1;
  char* at = end;
  while (!leaf_first.empty()) {
    const size_t slash = leaf_first.find('/');
    const std::string_view name = leaf_first.substr(0, slash);
    at -= name.size();
    std::memcpy(at, name.data(), name.size());
    *--at = '/';
    leaf_first.remove_prefix(slash == std::string_view::npos ? leaf_first.size() : slash + 1);
  }
  if (at == end) *--at = '/';
  return {at, static_cast<size_t>(end - at)};
}

// "sh\0-c\0id\0" becomes "-c id". Writes to `to`, which has room for as much.
std::string_view JoinArguments(std::string_view args, char* to) {
  const size_t first = args.find('\0');
  if (first == std::string_view::npos) return {};
  args.remove_prefix(first + 1);
  if (args.ends_with('\0')) args.remove_suffix(1);
  std::replace_copy(args.begin(), args.end(), to, '\0', ' ');
  return {to, args.size()};
}

// The components of `path` after what is written up to `end`, with . and .. taken literally: no
// link is followed. The new end.
char* AppendComponents(std::string_view path, char* begin, char* end) {
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (name == "..") {
      while (end != begin && *--end != '/') {
      }
    } else if (!name.empty() && name != ".") {
      *end++ = '/';
      end = std::copy(name.begin(), name.end(), end);
    }
  }
  return end;
}

// Writes to `to`, which has room for both and 2 bytes more.
std::string_view JoinPath(std::string_view folder, std::string_view path, char* to) {
  char* end = AppendComponents(path, to, AppendComponents(folder, to, to));
  if (end == to) *end++ = '/';
  return {to, static_cast<size_t>(end - to)};
}

// A path and, behind it, the caller's own text of it: see `struct paths` in bpf/paths.h.
bool IsPathOfText(const Layout& layout, size_t i) {
  return i + 1 < layout.count && layout.texts[i].encoding == Encoding::PATH &&
         layout.texts[i + 1].name.ends_with("raw");
}

constexpr size_t TextOfExec(std::string_view name) {
  const Layout& layout = kLayouts[static_cast<size_t>(Type::k_exec)];
  return static_cast<size_t>(std::ranges::find(layout.texts.begin(),
                                               layout.texts.begin() + layout.count, name,
                                               &RecordField::name) -
                             layout.texts.begin());
}

// Nobody saw the script: its path is of the name that the kernel looked it up by. Writes to `to`,
// which has room for that name, the current directory and 2 bytes more.
void JoinScript(std::span<std::string_view> texts, char* to) {
  const std::string_view raw = texts[TextOfExec("raw")];
  const std::string_view folder = raw.starts_with('/') ? "" : texts[TextOfExec("cwd")];
  std::string_view& file = texts[TextOfExec("file")];
  file = raw.empty() ? raw : JoinPath(folder, raw, to);
}

// False where the text's bounds are not inside the record, behind its fixed part.
bool ReadText(std::span<const std::byte> record, size_t fixed, uint16_t offset,
              std::string_view& out, bool& there) {
  nsw_str where{};
  std::memcpy(&where, record.data() + offset, sizeof where);
  there = where.off != 0;
  out = {};
  if (where.len == 0) return true;
  if (where.len > NSW_TEXT_MAX || where.off < fixed || where.off + where.len > record.size()) {
    return false;
  }
  out = {reinterpret_cast<const char*>(record.data()) + where.off, where.len};
  return true;
}

}  // namespace

std::span<const RecordField> RecordFields() { return kRecordFields; }

const EventInfo& Info(Type type) { return kInfos[static_cast<size_t>(type)]; }

uint64_t EventsOf(std::initializer_list<History> histories) {
  uint64_t events = 0;
  for (size_t i = 1; i < kInfos.size(); i++) {
    if (std::ranges::find(histories, kInfos[i].history) != histories.end())
      events |= EventBits(static_cast<Type>(i));
  }
  return events;
}

Type FindType(std::string_view name) {
  for (size_t i = 1; i < kInfos.size(); i++) {
    if (kInfos[i].name == name) return static_cast<Type>(i);
  }
  return Type::kNone;
}

std::string_view SyscallName(uint16_t row) {
  return row < kSyscalls.size() ? kSyscalls[row] : std::string_view{};
}

std::string_view Event::type_name() const {
  const std::string_view name = SyscallName(header().syscall);
  return name.empty() ? Info(type()).falco : name;
}

DecodeError Decode(std::span<const std::byte> record, Event& event) {
  if (record.size() < sizeof(nsw_header)) return DecodeError::kShort;
  event.record_ = record;
  const nsw_header& header = event.header();
  if (header.type == 0 || header.type >= NSW_EVENT_COUNT) return DecodeError::kBadType;
  const size_t fixed = kInfos[header.type].size;
  if (header.size != record.size() || record.size() < fixed) return DecodeError::kBadSize;

  static_assert(MostRewritten() <= Event::kMaxRewritten);
  char* room = event.rewritten_.data();
  event.arguments_ = {};
  const Layout& layout = kLayouts[header.type];
  for (size_t i = 0; i < layout.count; i++) {
    std::string_view& text = event.texts_[i];
    bool there = false;
    if (!ReadText(record, fixed, layout.texts[i].offset, text, there)) return DecodeError::kBadText;
    const size_t used = text.size() + 2;
    switch (layout.texts[i].encoding) {
      case Encoding::PATH:
        if (there) text = TurnRound(text, room);  // no object: stays empty
        break;
      case Encoding::ARGS:
        event.arguments_ = JoinArguments(text, room);
        break;
      default:
        continue;
    }
    room += used;
  }
  // Nobody saw the kernel's object: the path is of the folder that the caller's text starts from.
  for (size_t i = 0; event.has_flag(NSW_F_USER_OBJECT) && i < layout.count; i++) {
    if (!IsPathOfText(layout, i)) continue;
    const std::string_view raw = event.texts_[i + 1];
    const size_t used = event.texts_[i].size() + raw.size() + 2;
    event.texts_[i] = JoinPath(event.texts_[i], raw, room);
    room += used;
  }
  if (event.has_flag(NSW_F_USER_OBJECT) && event.type() == Type::k_exec)
    JoinScript(event.texts_, room);
  event.process = nullptr;
  event.parent = nullptr;
  event.binding = nullptr;
  return DecodeError::kNone;
}

}  // namespace nsw::event
