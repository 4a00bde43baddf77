// SPDX-License-Identifier: Apache-2.0
#include "store/replay.h"

#include <cstring>
#include <span>
#include <string_view>

#include "engine/event/address.h"

namespace nsw::store {
namespace {

using event::Encoding;
using event::RecordField;
using event::Type;
using nlohmann::json;

constexpr uint64_t kSomeHome = 1;

uint16_t SyscallOf(std::string_view name) {
  for (uint16_t row = 1; row < NSW_SYSCALL_COUNT; row++) {
    if (event::SyscallName(row) == name) return row;
  }
  return NSW_SYSCALL_NONE;
}

// As records have paths: "/etc/passwd" is "passwd/etc/".
std::string LeafFirst(std::string_view path) {
  std::string out;
  while (path.size() > 1) {
    const size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return out.append(path).append("/");
    out.append(path.substr(slash + 1)).append("/");
    path = path.substr(0, slash);
  }
  return out;
}

// A row's JSON has bytes as they are, which the parser wants to be UTF-8: each goes through it as
// the character of its number.
std::string Widened(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0 | byte >> 6);
      out += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return out;
}

std::string BytesOf(const json& value) {
  const auto& wide = value.get_ref<const std::string&>();
  std::string out;
  for (size_t i = 0; i < wide.size(); i++) {
    const bool pair = static_cast<unsigned char>(wide[i]) >= 0x80 && i + 1 < wide.size();
    out += pair ? static_cast<char>(wide[i] << 6 | (wide[i + 1] & 0x3f)) : wide[i];
    if (pair) i++;
  }
  return out;
}

std::string Arguments(const json& list) {
  std::string out;
  for (const json& argument : list) {
    if (argument.is_string()) out += BytesOf(argument);
    out += '\0';
  }
  return out;
}

}  // namespace

bool Replay::Take(const Row& row) {
  const Type type = event::FindType(row.event);
  const json detail = json::parse(Widened(row.detail), nullptr, false);
  if (type == Type::kNone || !detail.is_object()) return false;
  words_.assign(event::Info(type).size / 8, 0);
  Head(row, type);
  for (const RecordField& field : event::RecordFields()) {
    if (field.event != type) continue;
    const auto value = detail.find(std::string(field.name));
    if (value != detail.end() && !Put(field, *value)) return false;
  }
  header().size = static_cast<uint32_t>(words_.size() * sizeof(uint64_t));
  if (event::Decode(std::as_bytes(std::span(words_)), event_) != event::DecodeError::kNone)
    return false;
  Bind(row);
  return true;
}

void Replay::Head(const Row& row, Type type) {
  nsw_header& h = header();
  h.type = static_cast<uint16_t>(type);
  h.syscall = SyscallOf(row.type);
  h.flags = static_cast<uint8_t>(row.flags);
  h.result = row.result;
  h.home = kSomeHome;
  h.vpid = 1;  // which process the container's first one was, the row does not tell
  h.pid = row.pid;
  h.ppid = row.ppid;
  h.uid = row.uid;
  h.gid = row.gid;
}

// The other way round from describe.cc.
bool Replay::Put(const RecordField& field, const json& value) {
  if (value.is_number_unsigned()) {
    PutNumber(field, value.get<uint64_t>());
  } else if (value.is_number_integer()) {
    PutNumber(field, static_cast<uint64_t>(value.get<int64_t>()));
  } else if (value.is_array() && field.encoding == Encoding::ARGS) {
    PutText(field, Arguments(value));
  } else if (!value.is_string()) {
    return false;
  } else if (field.encoding == Encoding::ADDR) {
    const auto address = event::ParseAddress(BytesOf(value));
    if (!address) return false;
    std::memcpy(reinterpret_cast<char*>(words_.data()) + field.offset, &*address, sizeof *address);
  } else if (field.names != nullptr) {
    const auto number = event::NumberOf(*field.names, BytesOf(value));
    if (!number) return false;
    PutNumber(field, static_cast<uint64_t>(*number));
  } else {
    const std::string text = BytesOf(value);
    PutText(field, field.encoding == Encoding::PATH ? LeafFirst(text) : text);
  }
  return true;
}

void Replay::PutNumber(const RecordField& field, uint64_t number) {
  size_t size = sizeof(uint32_t);
  if (field.encoding == Encoding::U64 || field.encoding == Encoding::S64) size = sizeof number;
  if (field.encoding == Encoding::U16) size = sizeof(uint16_t);
  // Little-endian: the low bytes come first.
  std::memcpy(reinterpret_cast<char*>(words_.data()) + field.offset, &number, size);
}

void Replay::PutText(const RecordField& field, const std::string& text) {
  const nsw_str where{static_cast<uint16_t>(words_.size() * sizeof(uint64_t)),
                      static_cast<uint16_t>(text.size())};
  words_.resize(words_.size() + (text.size() + 7) / 8);
  char* record = reinterpret_cast<char*>(words_.data());
  std::memcpy(record + where.off, text.data(), text.size());
  std::memcpy(record + field.offset, &where, sizeof where);
}

void Replay::Bind(const Row& row) {
  process_ = {.pid = row.pid, .ppid = row.ppid, .home = kSomeHome};
  process_.name = row.process_name;
  process_.exepath = row.process;
  process_.cmdline = row.cmdline;
  process_.before = row.parent;  // most often: it forked, and its child executed this
  parent_ = {.pid = row.ppid, .home = kSomeHome};
  parent_.exepath = row.parent;
  binding_ = {};
  binding_.home = kSomeHome;
  binding_.is_container = binding_.settled = true;
  container::Container& c = binding_.container;
  c.id = row.container_id;
  c.name = row.container_name;
  c.runtime = "history";
  c.image = container::ParseImage(row.image);
  c.k8s_namespace = row.k8s_namespace;
  c.k8s_pod = row.k8s_pod;
  event_.process = &process_;
  event_.parent = row.parent.empty() ? nullptr : &parent_;
  event_.processes = nullptr;
  event_.binding = &binding_;
  event_.real_time_ns = row.first_ns;
}

}  // namespace nsw::store
