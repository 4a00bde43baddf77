// SPDX-License-Identifier: Apache-2.0
// fd.*: the file or the connection that the act is about.
#include <sys/socket.h>
#include <sys/stat.h>

#include "engine/event/address.h"
#include "engine/event/field_table.h"

namespace nsw::event {
namespace {

constexpr uint64_t kOpen = Bit(Type::k_open);
constexpr uint64_t kConnect = Bit(Type::k_connect);
constexpr uint64_t kBoth = kOpen | kConnect;

const nsw_event_connect& Socket(const Event& e) { return e.as<nsw_event_connect>(); }

std::string_view Path(const Event& e) {
  static const size_t text = TextOf(Type::k_open, "path");
  return e.text(text);
}

std::string_view SocketPath(const Event& e) {
  static const size_t text = TextOf(Type::k_connect, "path");
  return e.text(text);
}

// "10.0.0.2:4444->10.0.0.1:80", as Falco writes it; the path of a unix socket.
Value ConnectionName(const Event& e, Scratch& s) {
  const nsw_event_connect& c = Socket(e);
  if (c.family == AF_UNIX) return TextOrAbsent(SocketPath(e));
  if (IsZero(c.remote)) return Value::Absent();
  char local[INET6_ADDRSTRLEN];
  char remote[INET6_ADDRSTRLEN];
  const std::string_view from = IsZero(c.local) ? "?" : AddressText(c.local, local);
  const std::string_view to = AddressText(c.remote, remote);
  return Print(s, "%.*s:%u->%.*s:%u", static_cast<int>(from.size()), from.data(), c.local_port,
               static_cast<int>(to.size()), to.data(), c.remote_port);
}

struct Kind {
  std::string_view name;
  std::string_view letter;
};

Kind FileKind(uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return {"directory", "d"};
    case S_IFIFO:
      return {"pipe", "p"};
    case S_IFCHR:
    case S_IFBLK:
    default:
      return {"file", "f"};  // Falco calls devices files, too
  }
}

Kind SocketKind(uint32_t family) {
  switch (family) {
    case AF_INET:
      return {"ipv4", "4"};
    case AF_INET6:
      return {"ipv6", "6"};
    case AF_UNIX:
      return {"unix", "u"};
    default:
      return {"other", "o"};
  }
}

Kind KindOf(const Event& e) {
  return e.type() == Type::k_open ? FileKind(e.as<nsw_event_open>().file_mode)
                                  : SocketKind(Socket(e).family);
}

std::string_view Protocol(const nsw_event_connect& c) {
  if (c.family != AF_INET && c.family != AF_INET6) return {};
  switch (c.protocol) {
    case IPPROTO_TCP:
      return "tcp";
    case IPPROTO_UDP:
      return "udp";
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return "icmp";
    default:
      return "raw";
  }
}

Value AddressOf(const nsw_addr& address) {
  return IsZero(address) ? Value::Absent() : Value::Address(address);
}

const Getter kRemote = [](NSW_GETTER) { return AddressOf(Socket(e).remote); };
const Getter kLocal = [](NSW_GETTER) { return AddressOf(Socket(e).local); };
const Getter kRemotePort = [](NSW_GETTER) { return Value::Number(Socket(e).remote_port); };
const Getter kLocalPort = [](NSW_GETTER) { return Value::Number(Socket(e).local_port); };

const Field kRows[] = {
    {"fd.num", FieldType::kNumber, [](NSW_GETTER) { return Value::Number(e.header().result); },
     "the descriptor that the open returned; negative when it failed", false, false, false, kOpen},
    {"fd.type", FieldType::kString, [](NSW_GETTER) { return Value::Text(KindOf(e).name); },
     "file, directory, pipe, ipv4, ipv6, unix", false, false, false, kBoth},
    {"fd.typechar", FieldType::kString, [](NSW_GETTER) { return Value::Text(KindOf(e).letter); },
     "f, d, p, 4, 6, u", false, false, false, kBoth},
    {"fd.name", FieldType::kString,
     [](NSW_GETTER) {
       if (e.type() == Type::k_connect) return ConnectionName(e, s);
       return RecordValue(f, e, n, s);
     },
     "the file's path as the kernel resolved it, seen from the container's root; of a connection "
     "LOCAL->REMOTE or the unix path",
     false, false, false, kBoth},
    {"fd.directory", FieldType::kString,
     [](NSW_GETTER) {
       const std::string_view path = Path(e);
       if (path.empty()) return Value::Absent();
       const size_t slash = path.rfind('/');
       return Value::Text(slash == 0 ? "/" : path.substr(0, slash));
     },
     "the path without its last component", false, false, false, kOpen},
    {"fd.filename", FieldType::kString,
     [](NSW_GETTER) {
       const std::string_view path = Path(e);
       return path.empty() ? Value::Absent() : Value::Text(path.substr(path.rfind('/') + 1));
     },
     "the last component of the path", false, false, false, kOpen},
    {"fd.ip", FieldType::kAddress, kRemote, "remote address", false, false, false, kConnect},
    {"fd.net", FieldType::kAddress, kRemote, "remote address, to compare with networks", false,
     false, false, kConnect},
    {"fd.snet", FieldType::kAddress, kRemote, "remote address, to compare with networks", false,
     false, false, kConnect},
    {"fd.rip", FieldType::kAddress, kRemote, "remote address", false, false, false, kConnect},
    {"fd.lip", FieldType::kAddress, kLocal, "local address", false, false, false, kConnect},
    {"fd.port", FieldType::kNumber, kRemotePort, "remote port", false, false, false, kConnect},
    {"fd.rport", FieldType::kNumber, kRemotePort, "remote port", false, false, false, kConnect},
    {"fd.lport", FieldType::kNumber, kLocalPort, "local port", false, false, false, kConnect},
    {"fd.l4proto", FieldType::kString, [](NSW_GETTER) { return TextOrAbsent(Protocol(Socket(e))); },
     "tcp, udp, icmp, raw", false, false, false, kConnect},
    {"fd.sockfamily", FieldType::kString,
     [](NSW_GETTER) {
       const uint32_t family = Socket(e).family;
       if (family == AF_UNIX) return Value::Text("unix");
       return family == AF_INET || family == AF_INET6 ? Value::Text("ip") : Value::Absent();
     },
     "ip or unix", false, false, false, kConnect}};

}  // namespace

std::span<const Field> FileFields() { return kRows; }

}  // namespace nsw::event
