// SPDX-License-Identifier: Apache-2.0
// Addresses for acts on sockets: those of the loopback, and of unix sockets.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "tests/acts/act.h"

namespace acts {

inline sockaddr_in Local(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline sockaddr_in6 Local6(int port, const char* text) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET6, text, &address.sin6_addr);
  return address;
}

struct UnixAddress {
  sockaddr_un address{};
  socklen_t length = 0;
};

// "@x" is the abstract one.
inline UnixAddress Unix(const std::string& path) {
  UnixAddress out;
  out.address.sun_family = AF_UNIX;
  std::memcpy(out.address.sun_path, path.data(), path.size());
  out.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  if (path[0] == '@') {
    out.address.sun_path[0] = '\0';
    out.length--;
  }
  return out;
}

template <typename Address>
const sockaddr* Any(const Address& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace acts
