// SPDX-License-Identifier: Apache-2.0
#include "store/match.h"

#include <gtest/gtest.h>

namespace nsw::store {
namespace {

TEST(Match, Globs) {
  EXPECT_TRUE(GlobMatch("/etc/passwd", "/etc/passwd"));
  EXPECT_FALSE(GlobMatch("/etc/passwd", "/etc/passwd2"));
  EXPECT_TRUE(GlobMatch("/etc/*", "/etc/a/b"));
  EXPECT_TRUE(GlobMatch("*.so*", "/lib/libc.so.6"));
  EXPECT_TRUE(GlobMatch("a?c", "abc"));
  EXPECT_TRUE(GlobMatch("a?c",
                        "a\xc3\xa4"
                        "c"));
  EXPECT_TRUE(GlobMatch("a?c",
                        "a\xff"
                        "c"));
  EXPECT_FALSE(GlobMatch("a?c", "ac"));
  EXPECT_TRUE(GlobMatch("*", ""));
  EXPECT_TRUE(GlobMatch("[x]", "[x]"));
  EXPECT_FALSE(GlobMatch("[x]", "x"));
  EXPECT_FALSE(GlobMatch("", "x"));
}

TEST(Match, AGlobOfManyStarsEnds) {
  EXPECT_FALSE(GlobMatch(std::string(2000, '*') + "b", std::string(4000, 'a')));
  EXPECT_FALSE(GlobMatch("*a*a*a*a*a*a*a*a*a*a*a*ab", std::string(4000, 'a')));
}

TEST(Match, Images) {
  EXPECT_TRUE(ImageMatch("nginx", "docker.io/library/nginx:1.25"));
  EXPECT_TRUE(ImageMatch("nginx", "nginx"));
  EXPECT_TRUE(ImageMatch("nginx:1.25", "nginx:1.25"));
  EXPECT_FALSE(ImageMatch("nginx:1.26", "nginx:1.25"));
  EXPECT_FALSE(ImageMatch("nginx", "registry.corp:5000/nginx"));
  EXPECT_TRUE(ImageMatch("registry.corp:5000/*", "registry.corp:5000/web/app:2"));
  EXPECT_TRUE(ImageMatch("ngi*", "nginx:1.25"));
  EXPECT_FALSE(ImageMatch("*", ""));
}

TEST(Match, AnImageWithoutATagIsTheLatest) {
  EXPECT_TRUE(ImageMatch("demo/web:latest", "demo/web"));
  EXPECT_TRUE(ImageMatch("demo/*:latest", "demo/web"));
  EXPECT_TRUE(ImageMatch("demo/web", "demo/web:latest"));
  EXPECT_FALSE(ImageMatch("demo/web:1.2", "demo/web"));
  EXPECT_FALSE(ImageMatch("demo/web:latest", "demo/web:1.2"));
  EXPECT_FALSE(ImageMatch("demo/web:latest", "demo/web@sha256:" + std::string(64, 'a')));
}

TEST(Match, Containers) {
  const std::string id(64, 'a');
  EXPECT_TRUE(ContainerMatch("web", "web", id));
  EXPECT_TRUE(ContainerMatch("w*", "web", id));
  EXPECT_TRUE(ContainerMatch("aaaaaaaaaaaa", "web", id));
  EXPECT_FALSE(ContainerMatch("aaa", "web", id));  // too short to be meant as an id
  EXPECT_FALSE(ContainerMatch("we", "web", id));
}

TEST(Match, Processes) {
  EXPECT_TRUE(ProcessMatch("nginx", "/usr/sbin/nginx", "nginx"));
  EXPECT_TRUE(ProcessMatch("/usr/sbin/*", "/usr/sbin/nginx", "nginx"));
  EXPECT_TRUE(ProcessMatch("sh", "/bin/busybox", "sh"));
  EXPECT_TRUE(ProcessMatch("busybox", "/bin/busybox", "sh"));
  EXPECT_FALSE(ProcessMatch("usr", "/usr/sbin/nginx", "nginx"));
}

bool Address(const char* filter, const char* object) {
  const auto parsed = ParseAddressFilter(filter);
  EXPECT_TRUE(parsed) << filter;
  return parsed && AddressMatch(*parsed, object);
}

TEST(Match, Addresses) {
  EXPECT_TRUE(Address("10.1.2.3", "10.1.2.3:443"));
  EXPECT_TRUE(Address("10.0.0.0/8", "10.1.2.3:443"));
  EXPECT_TRUE(Address("10.0.0.0/8:443", "10.1.2.3:443"));
  EXPECT_TRUE(Address("10.1.2.3:443", "10.1.2.3:443"));
  EXPECT_FALSE(Address("10.1.2.3:80", "10.1.2.3:443"));
  EXPECT_TRUE(Address(":443", "10.1.2.3:443"));
  EXPECT_TRUE(Address(":443", "[2001:db8::1]:443"));
  EXPECT_TRUE(Address("2001:db8::/32", "[2001:db8::1]:443"));
  EXPECT_TRUE(Address("[2001:db8::1]:443", "[2001:db8::1]:443"));
  EXPECT_FALSE(Address("10.0.0.0/8", "/run/docker.sock"));
  EXPECT_FALSE(Address("10.0.0.0/8", "/10.0.0.1:80"));
}

TEST(Match, Events) {
  for (const char* text : {"open", "openat", "exec", "execve", "exit", "procexit", "connect",
                           "operation", "reload", "open*", "*", "?onnect"}) {
    EXPECT_TRUE(CheckEventFilter(text)) << text;
  }
  for (const char* text : {"opn", "Open", "home", "open ", "dance*", "\x1b"}) {
    const auto known = CheckEventFilter(text);
    ASSERT_FALSE(known) << text;
    EXPECT_NE(known.error().message.find("known are fork, exec, exit, "), std::string::npos)
        << known.error().message;
  }
}

TEST(Match, WhatIsNoAddressSaysWhatIs) {
  for (const char* text :
       {"example.com", "10.0.0.0/33", "10.0.0.1:x", "10.0.0.1:65536", "[::1", ":"}) {
    const auto parsed = ParseAddressFilter(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message.find("CIDR"), std::string::npos);
  }
}

}  // namespace
}  // namespace nsw::store
