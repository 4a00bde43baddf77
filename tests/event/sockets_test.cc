// SPDX-License-Identifier: Apache-2.0
// fd.* of sockets: who is client and who is server, as Falco's inbound and outbound macros ask.
#include "tests/event/field_fixture.h"

namespace nsw::event {
namespace {

using test::RecordBuilder;

class SocketsTest : public FieldTest {};

nsw_addr V4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
}

template <typename Struct>
RecordBuilder<Struct> Tcp(Type type) {
  RecordBuilder<Struct> record(type);
  record.fixed().family = AF_INET;
  record.fixed().socket_type = SOCK_STREAM;
  record.fixed().protocol = 6;
  return record;
}

TEST_F(SocketsTest, AcceptedIsTheServersEnd) {
  auto record = Tcp<nsw_event_accept>(Type::k_accept);
  record.fixed().remote = V4(10, 0, 0, 9);
  record.fixed().remote_port = 4444;
  record.fixed().local = V4(10, 0, 0, 1);
  record.fixed().local_port = 80;
  Take(record);
  EXPECT_EQ(Text("evt.type"), "accept4");
  EXPECT_EQ(Text("fd.name"), "10.0.0.9:4444->10.0.0.1:80");
  EXPECT_EQ(Text("fd.cip"), "10.0.0.9");
  EXPECT_EQ(Text("fd.sip"), "10.0.0.1");
  EXPECT_EQ(Text("fd.cport"), "4444");
  EXPECT_EQ(Text("fd.sport"), "80");
  EXPECT_EQ(Text("fd.rip"), "10.0.0.9");
  EXPECT_EQ(Text("fd.lip"), "10.0.0.1");
  EXPECT_EQ(Text("fd.ip"), "10.0.0.9");
  EXPECT_EQ(Text("fd.snet"), "10.0.0.1");
  EXPECT_EQ(Text("fd.is_server"), "true");
  EXPECT_EQ(Text("fd.connected"), "true");
  EXPECT_EQ(Text("fd.typechar"), "4");
}

TEST_F(SocketsTest, ListenerHasOnlyItself) {
  auto record = Tcp<nsw_event_listen>(Type::k_listen);
  record.fixed().local = V4(0, 0, 0, 0);
  record.fixed().local_port = 80;
  Take(record);
  EXPECT_EQ(Text("fd.name"), "0.0.0.0:80");
  EXPECT_EQ(Text("fd.sip"), "0.0.0.0");
  EXPECT_EQ(Text("fd.ip"), "0.0.0.0");
  EXPECT_EQ(Text("fd.rip"), kNone);
  EXPECT_EQ(Text("fd.cip"), kNone);
  EXPECT_EQ(Text("fd.connected"), "false");
}

// What is the port must not be taken for the address's last part.
TEST_F(SocketsTest, SixteenBytesOfAddressStandInBrackets) {
  auto listener = Tcp<nsw_event_listen>(Type::k_listen);
  listener.fixed().family = AF_INET6;
  listener.fixed().local_port = 99;
  Take(listener);
  EXPECT_EQ(Text("fd.name"), "[::]:99");
  auto accepted = Tcp<nsw_event_accept>(Type::k_accept);
  accepted.fixed().family = AF_INET6;
  accepted.fixed().remote = {{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  accepted.fixed().remote_port = 4444;
  accepted.fixed().local = V4(10, 0, 0, 1);
  accepted.fixed().local_port = 80;
  Take(accepted);
  EXPECT_EQ(Text("fd.name"), "[2001:db8::1]:4444->10.0.0.1:80");
  EXPECT_EQ(Text("fd.cip"), "2001:db8::1");
}

TEST_F(SocketsTest, SendIsAClients) {
  auto record = Tcp<nsw_event_send>(Type::k_send);
  record.h().syscall = NSW_SYSCALL_sendmsg;
  record.fixed().protocol = 17;
  record.fixed().remote = V4(8, 8, 8, 8);
  record.fixed().remote_port = 53;
  Take(record);
  EXPECT_EQ(Text("evt.type"), "sendmsg");
  EXPECT_EQ(Text("fd.name"), "?:0->8.8.8.8:53");
  EXPECT_EQ(Text("fd.sip"), "8.8.8.8");
  EXPECT_EQ(Text("fd.l4proto"), "udp");
  EXPECT_EQ(Text("fd.connected"), "false");
  EXPECT_EQ(Text("fd.name_changed"), "true");
  EXPECT_EQ(Text("fd.is_server"), "false");
}

TEST_F(SocketsTest, ReceivedIsAFileOrASocket) {
  RecordBuilder<nsw_event_receive> file(Type::k_receive);
  file.fixed().file_mode = 0100600;
  Take(file.Path(&nsw_event_receive::file, "/etc/shadow"));
  EXPECT_EQ(Text("fd.name"), "/etc/shadow");
  EXPECT_EQ(Text("fd.directory"), "/etc");
  EXPECT_EQ(Text("fd.typechar"), "f");
  auto socket = Tcp<nsw_event_receive>(Type::k_receive);
  socket.fixed().remote = V4(10, 0, 0, 1);
  socket.fixed().remote_port = 80;
  Take(socket);
  EXPECT_EQ(Text("fd.name"), "?:0->10.0.0.1:80");
  EXPECT_EQ(Text("fd.typechar"), "4");
  EXPECT_EQ(Text("fd.directory"), kNone);
}

TEST_F(SocketsTest, SocketsAreNamed) {
  RecordBuilder<nsw_event_socket> record(Type::k_socket);
  record.fixed().family = AF_PACKET;
  record.fixed().socket_type = SOCK_RAW;
  Take(record);
  EXPECT_EQ(Text("evt.arg.domain"), "AF_PACKET");
  EXPECT_EQ(Text("evt.arg.type"), "SOCK_RAW");
}

}  // namespace
}  // namespace nsw::event
