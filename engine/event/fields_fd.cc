// SPDX-License-Identifier: Apache-2.0
// fd.*: the file or the connection that the act is about.
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>

#include "engine/event/address.h"
#include "engine/event/field_table.h"

namespace nsw::event {
namespace {

constexpr uint64_t kOpen = Bit(Type::k_open);
// Of a descriptor, whatever is behind it.
constexpr uint64_t kReceive = Bit(Type::k_receive) | Bit(Type::k_dup);
// The socket is the server's end; or what it is to be.
constexpr uint64_t kServer = Bit(Type::k_bind) | Bit(Type::k_listen) | Bit(Type::k_accept);
constexpr uint64_t kSockets = Bit(Type::k_connect) | Bit(Type::k_send) | kServer | kReceive;
// Acts on a file by its descriptor, or by a path: then there is no fd.name.
constexpr uint64_t kEither = Bit(Type::k_chmod) | Bit(Type::k_chown) | Bit(Type::k_xattr) |
                             Bit(Type::k_truncate) | Bit(Type::k_utime);
constexpr uint64_t kFiles = kOpen | kReceive | kEither | Bit(Type::k_shared_map);
constexpr uint64_t kAll = kSockets | kFiles;

bool Is(const Event& e, uint64_t events) { return (Bit(e.type()) & events) != 0; }

// All events of sockets have its fields at its places: bpf/sockets.bpf.c.
const nsw_event_connect& Socket(const Event& e) { return e.as<nsw_event_connect>(); }

bool IsSocket(const Event& e) { return Is(e, kSockets) && Socket(e).family != AF_UNSPEC; }

// By event: where its text of that name is; kNoText where it has none.
constexpr size_t kNoText = Event::kMaxTexts;
using Places = std::array<size_t, NSW_EVENT_COUNT>;

Places PlacesOf(std::string_view name) {
  Places places;
  places.fill(kNoText);
  for (const RecordField& field : RecordFields()) {
    if (field.name == name && field.text != 0xff)
      places[static_cast<size_t>(field.event)] = field.text;
  }
  return places;
}

std::string_view TextAt(const Event& e, const Places& places) {
  const size_t place = places[e.header().type];
  return place == kNoText ? std::string_view{} : e.text(place);
}

// The path of the file behind the descriptor.
std::string_view Path(const Event& e) {
  static const Places paths = PlacesOf("path");
  static const Places raws = PlacesOf("raw");
  static const Places files = PlacesOf("file");
  if (Is(e, kReceive)) return TextAt(e, files);
  if (Is(e, kEither) && !TextAt(e, raws).empty()) return {};
  return IsSocket(e) ? std::string_view{} : TextAt(e, paths);
}

std::string_view SocketPath(const Event& e) {
  static const Places paths = PlacesOf("path");
  return TextAt(e, paths);
}

struct End {
  nsw_addr address;
  uint32_t port;
};

End Remote(const Event& e) { return {Socket(e).remote, Socket(e).remote_port}; }
End Local(const Event& e) { return {Socket(e).local, Socket(e).local_port}; }
End Server(const Event& e) { return Is(e, kServer) ? Local(e) : Remote(e); }
End Client(const Event& e) { return Is(e, kServer) ? Remote(e) : Local(e); }
// The other end, or where there is none yet the own one.
End Other(const Event& e) {
  return Is(e, kServer) && e.type() != Type::k_accept ? Local(e) : Remote(e);
}

// "10.0.0.1:80", "[2001:db8::1]:80".
struct EndText {
  explicit EndText(const End& end) {
    char address[INET6_ADDRSTRLEN];
    const std::string_view host = AddressText(end.address, address);
    const bool colons = host.find(':') != std::string_view::npos;
    snprintf(text, sizeof text, colons ? "[%.*s]:%u" : "%.*s:%u", static_cast<int>(host.size()),
             host.data(), end.port);
  }
  char text[INET6_ADDRSTRLEN + sizeof "[]:4294967295"];
};

// "10.0.0.2:4444->10.0.0.1:80", client and server, as Falco writes it; of a server without a client
// "10.0.0.1:80"; the path of a unix socket.
Value SocketName(const Event& e, Scratch& s) {
  if (Socket(e).family == AF_UNIX) return TextOrAbsent(SocketPath(e));
  const End server = Server(e);
  const End client = Client(e);
  const EndText to(server);
  if (Is(e, kServer) && e.type() != Type::k_accept) {
    if (IsZero(server.address) && server.port == 0) return Value::Absent();
    return Print(s, "%s", to.text);
  }
  if (IsZero(server.address)) return Value::Absent();
  if (IsZero(client.address)) return Print(s, "?:%u->%s", client.port, to.text);
  return Print(s, "%s->%s", EndText(client).text, to.text);
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

uint32_t FileMode(const Event& e) {
  if (e.type() == Type::k_open) return e.as<nsw_event_open>().file_mode;
  if (e.type() == Type::k_dup) return e.as<nsw_event_dup>().file_mode;
  return e.type() == Type::k_receive ? e.as<nsw_event_receive>().file_mode : S_IFREG;
}

Kind KindOf(const Event& e) {
  return IsSocket(e) ? SocketKind(Socket(e).family) : FileKind(FileMode(e));
}

bool HasKind(const Event& e) { return !Is(e, kEither) || !Path(e).empty(); }

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

template <End (*Which)(const Event&)>
Value AddressOfEnd(const Field&, const Event& e, uint32_t, Scratch&) {
  return AddressOf(Which(e).address);
}

template <End (*Which)(const Event&)>
Value PortOfEnd(const Field&, const Event& e, uint32_t, Scratch&) {
  return Value::Number(Which(e).port);
}

Value PartOf(std::string_view path, bool folder) {
  if (path.empty()) return Value::Absent();
  const size_t slash = path.rfind('/');
  if (!folder) return Value::Text(path.substr(slash + 1));
  return Value::Text(slash == 0 ? "/" : path.substr(0, slash));
}

constexpr uint64_t kNumbered = kOpen | Bit(Type::k_accept) | Bit(Type::k_socket);
constexpr uint64_t kConnected = Bit(Type::k_connect) | Bit(Type::k_accept);

const Field kRows[] = {
    {"fd.num", FieldType::kNumber, [](NSW_GETTER) { return Value::Number(e.header().result); },
     "the descriptor that the call returned; negative when it failed", false, false, false,
     kNumbered},
    {"fd.type", FieldType::kString,
     [](NSW_GETTER) { return HasKind(e) ? Value::Text(KindOf(e).name) : Value::Absent(); },
     "file, directory, pipe, ipv4, ipv6, unix", false, false, false, kAll},
    {"fd.typechar", FieldType::kString,
     [](NSW_GETTER) { return HasKind(e) ? Value::Text(KindOf(e).letter) : Value::Absent(); },
     "f, d, p, 4, 6, u", false, false, false, kAll},
    {"fd.name", FieldType::kString,
     [](NSW_GETTER) { return IsSocket(e) ? SocketName(e, s) : TextOrAbsent(Path(e)); },
     "the file's path as the kernel resolved it, seen from the container's root; of a connection "
     "CLIENT->SERVER, of a server its address, or the unix path",
     false, false, false, kAll},
    {"fd.directory", FieldType::kString, [](NSW_GETTER) { return PartOf(Path(e), true); },
     "the path without its last component", false, false, false, kFiles},
    {"fd.filename", FieldType::kString, [](NSW_GETTER) { return PartOf(Path(e), false); },
     "the last component of the path", false, false, false, kFiles},
    {"fd.ip", FieldType::kAddress, AddressOfEnd<Other>, "remote address; of a server its own",
     false, false, false, kSockets},
    {"fd.net", FieldType::kAddress, AddressOfEnd<Other>, "the same, to compare with networks",
     false, false, false, kSockets},
    {"fd.snet", FieldType::kAddress, AddressOfEnd<Server>,
     "server's address, to compare with networks", false, false, false, kSockets},
    {"fd.cnet", FieldType::kAddress, AddressOfEnd<Client>,
     "client's address, to compare with networks", false, false, false, kSockets},
    {"fd.rip", FieldType::kAddress, AddressOfEnd<Remote>, "remote address", false, false, false,
     kSockets},
    {"fd.rnet", FieldType::kAddress, AddressOfEnd<Remote>,
     "remote address, to compare with networks", false, false, false, kSockets},
    {"fd.lip", FieldType::kAddress, AddressOfEnd<Local>, "local address", false, false, false,
     kSockets},
    {"fd.lnet", FieldType::kAddress, AddressOfEnd<Local>, "local address, to compare with networks",
     false, false, false, kSockets},
    {"fd.port", FieldType::kNumber, PortOfEnd<Other>, "remote port; of a server its own", false,
     false, false, kSockets},
    {"fd.rport", FieldType::kNumber, PortOfEnd<Remote>, "remote port", false, false, false,
     kSockets},
    {"fd.lport", FieldType::kNumber, PortOfEnd<Local>, "local port", false, false, false, kSockets},
    {"fd.l4proto", FieldType::kString, [](NSW_GETTER) { return TextOrAbsent(Protocol(Socket(e))); },
     "tcp, udp, icmp, raw", false, false, false, kSockets},
    {"fd.is_server", FieldType::kBool, [](NSW_GETTER) { return Value::Number(Is(e, kServer)); },
     "the process is the server of it", false, false, false, kSockets},
    {"fd.connected", FieldType::kBool,
     [](NSW_GETTER) { return Value::Number(Is(e, kConnected) && !e.failed()); },
     "the socket is connected now", false, false, false, kSockets},
    {"fd.name_changed", FieldType::kBool, [](NSW_GETTER) { return Value::Number(!e.failed()); },
     "the act gave the socket its ends, or named the one that is sent to: true unless it failed",
     false, false, false, kSockets},
    {"fd.sockfamily", FieldType::kString,
     [](NSW_GETTER) {
       const uint32_t family = Socket(e).family;
       if (family == AF_UNIX) return Value::Text("unix");
       return family == AF_INET || family == AF_INET6 ? Value::Text("ip") : Value::Absent();
     },
     "ip or unix", false, false, false, kSockets}};

}  // namespace

std::span<const Field> FileFields() { return kRows; }

}  // namespace nsw::event
