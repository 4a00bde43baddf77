// SPDX-License-Identifier: Apache-2.0
#include "engine/event/address.h"

#include <gtest/gtest.h>

namespace nsw::event {
namespace {

std::string RoundTrip(std::string_view text) {
  const auto address = ParseAddress(text);
  return address ? AddressText(*address) : "refused";
}

TEST(Address, IsReadAndWritten) {
  EXPECT_EQ(RoundTrip("10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(RoundTrip("0.0.0.0"), "0.0.0.0");
  EXPECT_EQ(RoundTrip("255.255.255.255"), "255.255.255.255");
  EXPECT_EQ(RoundTrip("::1"), "::1");
  EXPECT_EQ(RoundTrip("2001:DB8:0:0::1"), "2001:db8::1");
}

TEST(Address, MappedIsIpv4_N5) {
  EXPECT_EQ(RoundTrip("::ffff:10.0.0.1"), "10.0.0.1");
  EXPECT_TRUE(IsIpv4(*ParseAddress("::ffff:a00:1")));
  EXPECT_FALSE(IsIpv4(*ParseAddress("::10.0.0.1")));
  EXPECT_FALSE(IsIpv4(*ParseAddress("2001:db8::1")));
}

TEST(Address, NothingElseIsOne) {
  for (const std::string_view text :
       {std::string_view(""), std::string_view("localhost"), std::string_view("10.0.0"),
        std::string_view("10.0.0.256"), std::string_view("10.0.0.1:80"), std::string_view("[::1]"),
        std::string_view("fe80::1%eth0"), std::string_view(" 10.0.0.1"),
        std::string_view("10.0.0.1\0", 9), std::string_view("010.0.0.1")}) {
    EXPECT_FALSE(ParseAddress(text)) << text;
  }
}

TEST(Address, ZeroIsNoAddressAtAll) {
  EXPECT_TRUE(IsZero({}));
  EXPECT_TRUE(IsZero(*ParseAddress("::")));
  EXPECT_FALSE(IsZero(*ParseAddress("0.0.0.0"))) << "a socket bound to every address has one";
}

TEST(Address, TheLongestTextFits) {
  char room[INET6_ADDRSTRLEN];
  EXPECT_EQ(AddressText(*ParseAddress("1111:2222:3333:4444:5555:6666:7777:8888"), room),
            "1111:2222:3333:4444:5555:6666:7777:8888");
}

bool In(std::string_view network, std::string_view address) {
  return ParseNetwork(network).value().Contains(ParseAddress(address).value());
}

TEST(Network, HoldsWhatItsPrefixSays) {
  EXPECT_TRUE(In("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(In("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(In("10.1.2.128/25", "10.1.2.129"));
  EXPECT_FALSE(In("10.1.2.128/25", "10.1.2.127"));
  EXPECT_TRUE(In("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(In("2001:db8::/33", "2001:db8:8000::1"));
}

TEST(Network, OfOneAddress) {
  EXPECT_TRUE(In("10.0.0.1", "10.0.0.1"));
  EXPECT_FALSE(In("10.0.0.1", "10.0.0.2"));
  EXPECT_FALSE(In("::1/128", "::2"));
}

TEST(Network, OfEverything) {
  EXPECT_TRUE(In("0.0.0.0/0", "1.2.3.4"));
  EXPECT_FALSE(In("0.0.0.0/0", "2001:db8::1")) << "every IPv4 address is no IPv6 address";
  EXPECT_TRUE(In("::/0", "2001:db8::1"));
  EXPECT_TRUE(In("::/0", "1.2.3.4"));
}

TEST(Network, MappedCountsInIpv6Bits) {
  EXPECT_TRUE(In("::ffff:10.0.0.0/104", "10.9.9.9"));
  EXPECT_FALSE(In("::ffff:10.0.0.0/104", "11.0.0.1"));
  EXPECT_TRUE(In("10.0.0.0/8", "::ffff:10.1.1.1"));
}

TEST(Network, ClearsBitsBehindThePrefix) {
  EXPECT_EQ(AddressText(ParseNetwork("10.1.2.3/8")->address), "10.0.0.0");
  EXPECT_EQ(ParseNetwork("10.1.2.3/8")->prefix, 104);
  EXPECT_EQ(ParseNetwork("2001:db8::1/32")->prefix, 32);
}

TEST(Network, NothingElseIsOne) {
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8 ",
        "10.0.0.0/8/8", "::/129", "10/8", "host/8", "10.0.0.0/4294967304"}) {
    EXPECT_FALSE(ParseNetwork(text)) << text;
  }
}

}  // namespace
}  // namespace nsw::event
