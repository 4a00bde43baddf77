// SPDX-License-Identifier: Apache-2.0
// evt.*: the act itself.
#include <unistd.h>

#include <climits>
#include <cstring>
#include <ctime>

#include "engine/event/field_table.h"

namespace nsw::event {
namespace {

// O_ACCMODE of an open: whether it lets one read, write.
bool Opens(const Event& e, bool write) {
  const unsigned mode = e.as<nsw_event_open>().flags & 3U;
  return write ? mode == 1 || mode == 2 : mode == 0 || mode == 2;
}

tm Utc(const Event& e) {
  const auto seconds = static_cast<time_t>(e.real_time_ns / 1'000'000'000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  return parts;
}

Value Time(const Event& e, Scratch& s) {
  const tm parts = Utc(e);
  return Print(s, "%02d:%02d:%02d.%09u", parts.tm_hour, parts.tm_min, parts.tm_sec,
               static_cast<unsigned>(e.real_time_ns % 1'000'000'000));
}

Value DateTime(const Event& e, Scratch& s) {
  const tm parts = Utc(e);
  return Print(s, "%04d-%02d-%02d %02d:%02d:%02d.%09u", parts.tm_year + 1900, parts.tm_mon + 1,
               parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
               static_cast<unsigned>(e.real_time_ns % 1'000'000'000));
}

const std::string& HostName() {
  static const std::string name = [] {
    char room[HOST_NAME_MAX + 1] = {};
    return gethostname(room, sizeof room - 1) == 0 ? std::string(room) : std::string();
  }();
  return name;
}

Value Result(const Event& e, Scratch& s) {
  const int64_t result = e.header().result;
  if (result >= 0) return Value::Text("SUCCESS");
  constexpr int64_t kErrnoMax = 4095;
  const char* name = result < -kErrnoMax ? nullptr : strerrorname_np(static_cast<int>(-result));
  return name != nullptr ? Value::Text(name) : Print(s, "%lld", static_cast<long long>(result));
}

constexpr uint64_t kOpen = Bit(Type::k_open);

const Field kRows[] = {
    {"evt.num", FieldType::kNumber,
     [](NSW_GETTER) { return Value::Number(static_cast<int64_t>(e.number)); },
     "number of the event since the engine started"},
    {"evt.time", FieldType::kString, [](NSW_GETTER) { return Time(e, s); },
     "time of day in UTC, with nanoseconds"},
    {"evt.datetime", FieldType::kString, [](NSW_GETTER) { return DateTime(e, s); },
     "date and time of day in UTC, with nanoseconds"},
    {"evt.rawtime", FieldType::kNumber,
     [](NSW_GETTER) { return Value::Number(static_cast<int64_t>(e.real_time_ns)); },
     "nanoseconds since 1970"},
    {"evt.hostname", FieldType::kString, [](NSW_GETTER) { return TextOrAbsent(HostName()); },
     "name of the host, as it was when the engine started"},
    {"evt.source", FieldType::kString, [](NSW_GETTER) { return Value::Text("syscall"); },
     "always syscall"},
    {"evt.type", FieldType::kString, [](NSW_GETTER) { return Value::Text(e.type_name()); },
     "the system call through which the act came in (openat, execve, connect); procexit for the "
     "end of a process"},
    {"syscall.type", FieldType::kString,
     [](NSW_GETTER) { return TextOrAbsent(SyscallName(e.header().syscall)); },
     "the same, absent where there was no system call"},
    {"evt.dir", FieldType::kString, [](NSW_GETTER) { return Value::Text("<"); },
     "always <: an event is reported once, with its result"},
    {"evt.res", FieldType::kString, [](NSW_GETTER) { return Result(e, s); },
     "SUCCESS, or the error's name (EPERM, ENOENT)"},
    {"evt.rawres", FieldType::kNumber, [](NSW_GETTER) { return Value::Number(e.header().result); },
     "the return value; a negative errno on failure"},
    {"evt.failed", FieldType::kBool, [](NSW_GETTER) { return Value::Number(e.failed()); },
     "the call failed"},
    {"evt.async", FieldType::kBool,
     [](NSW_GETTER) { return Value::Number(e.has_flag(NSW_F_ASYNC)); },
     "done without a system call of its own (io_uring)"},
    {"evt.is_open_read", FieldType::kBool,
     [](NSW_GETTER) { return Value::Number(Opens(e, false)); }, "the file was opened for reading",
     false, false, false, kOpen},
    {"evt.is_open_write", FieldType::kBool,
     [](NSW_GETTER) { return Value::Number(Opens(e, true)); }, "the file was opened for writing",
     false, false, false, kOpen},
    {"evt.is_open_create", FieldType::kBool,
     [](NSW_GETTER) { return Value::Number(e.as<nsw_event_open>().created != 0); },
     "the call made the file", false, false, false, kOpen},
    {"evt.verdict", FieldType::kString,
     [](NSW_GETTER) {
       if (e.header().verdict == NSW_VERDICT_NONE) return Value::Absent();
       if (e.header().verdict != NSW_VERDICT_DENIED) return Value::Text("would_deny");
       return Value::Text(e.has_flag(NSW_F_KILLED) ? "killed" : "denied");
     },
     "denied, killed or would_deny, where a deny rule spoke in the kernel"}};

}  // namespace

std::span<const Field> EventFields() { return kRows; }

}  // namespace nsw::event
