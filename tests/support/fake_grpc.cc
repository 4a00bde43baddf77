// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_grpc.h"

#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace nsw::test {
namespace {

constexpr int kTickMs = 10;

nghttp2_nv Header(const char* name, const std::string& value) {
  const auto bytes = [](const char* text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text));
  };
  return {bytes(name), bytes(value.c_str()), strlen(name), value.size(), NGHTTP2_NV_FLAG_NONE};
}

std::string Framed(const std::string& message) {
  std::string framed(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) framed += static_cast<char>(message.size() >> shift);
  return framed + message;
}

}  // namespace

// One client: its requests, and what is still to be sent for each.
class GrpcConnection {
 public:
  GrpcConnection(FakeGrpc& server, UniqueFd fd) : server_(server), fd_(std::move(fd)) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, OnHeader);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, OnData);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, OnFrame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, OnClose);
    nghttp2_session_server_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~GrpcConnection() { nghttp2_session_del(session_); }

  void Run() {
    if (server_.manner() == FakeGrpc::Manner::kGarbage) {
      (void)!send(fd_.get(), "\x01\xff[[[[ no such thing\r\n\r\n", 25, MSG_NOSIGNAL);
    }
    while (!server_.stopping_ && Send() && Receive()) Publish();
  }

 private:
  struct Stream {
    GrpcRequest request;
    GrpcReply reply;
    std::string out;
    size_t next = 0;  // of what is published
    bool forever = false;
  };

  static GrpcConnection& Of(void* user) { return *static_cast<GrpcConnection*>(user); }

  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                      void* user) {
    GrpcRequest& request = Of(user).streams_[frame->hd.stream_id].request;
    const std::string_view key(reinterpret_cast<const char*>(name), name_size);
    const std::string text(reinterpret_cast<const char*>(value), value_size);
    if (key == ":path") request.method = text.substr(1);
    if (key == "containerd-namespace") request.space = text;
    return 0;
  }

  static int OnData(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size,
                    void* user) {
    Of(user).streams_[id].request.message.append(reinterpret_cast<const char*>(data), size);
    return 0;
  }

  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    const bool carries = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    if (ends && carries) Of(user).Answer(frame->hd.stream_id);
    return 0;
  }

  static int OnClose(nghttp2_session*, int32_t id, uint32_t, void* user) {
    GrpcConnection& self = Of(user);
    if (self.streams_[id].reply.endless) self.server_.subscribers_--;
    self.streams_.erase(id);
    return 0;
  }

  void Answer(int32_t id) {
    Stream& stream = streams_[id];
    const FakeGrpc::Manner manner = server_.manner();
    if (manner == FakeGrpc::Manner::kHang) return;
    stream.request.message.erase(0, 5);
    stream.reply = server_.handler_(stream.request);
    if (manner == FakeGrpc::Manner::kRefuse) stream.reply = {.status = 13};
    if (manner == FakeGrpc::Manner::kNonsense) stream.reply.message = std::string(100, '\xff');
    stream.forever = manner == FakeGrpc::Manner::kGigabyte;
    if (stream.forever) stream.out = std::string("\0\x40\0\0\0", 5);
    if (stream.reply.status == 0 && !stream.reply.endless && !stream.forever) {
      stream.out = Framed(stream.reply.message);
    }
    if (stream.reply.endless) {
      const std::lock_guard lock(server_.mutex_);
      stream.next = server_.published_.size();
      server_.subscribers_++;
    }
    const std::string ok = "200";
    const std::string type = "application/grpc";
    const std::array headers{Header(":status", ok), Header("content-type", type)};
    nghttp2_data_provider provider{{.ptr = &stream}, Read};
    nghttp2_submit_response(session_, id, headers.data(), headers.size(), &provider);
  }

  static ssize_t Read(nghttp2_session* session, int32_t id, uint8_t* into, size_t room,
                      uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& stream = *static_cast<Stream*>(source->ptr);
    if (stream.forever && stream.out.empty()) stream.out.assign(65536, 'x');
    const size_t n = std::min(room, stream.out.size());
    if (n > 0) std::memcpy(into, stream.out.data(), n);
    stream.out.erase(0, n);
    if (stream.forever || !stream.out.empty()) return static_cast<ssize_t>(n);
    if (stream.reply.endless) {
      return n == 0 ? ssize_t{NGHTTP2_ERR_DEFERRED} : static_cast<ssize_t>(n);
    }
    const std::string status = std::to_string(stream.reply.status);
    const nghttp2_nv trailer = Header("grpc-status", status);
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_submit_trailer(session, id, &trailer, 1);
    return static_cast<ssize_t>(n);
  }

  void Publish() {
    const std::lock_guard lock(server_.mutex_);
    for (auto& [id, stream] : streams_) {
      if (!stream.reply.endless || stream.next == server_.published_.size()) continue;
      while (stream.next < server_.published_.size()) {
        stream.out += Framed(server_.published_[stream.next++]);
      }
      nghttp2_session_resume_data(session_, id);
    }
  }

  bool Send() {
    for (int i = 0; i < 64; i++) {  // an endless answer lets others have their turn
      const uint8_t* data = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_, &data);
      if (size < 0) return false;
      if (size == 0) return true;
      for (ssize_t sent = 0; sent < size;) {
        const ssize_t n =
            send(fd_.get(), data + sent, static_cast<size_t>(size - sent), MSG_NOSIGNAL);
        if (n <= 0) return false;
        sent += n;
      }
    }
    return true;
  }

  bool Receive() {
    pollfd wanted{fd_.get(), POLLIN, 0};
    if (poll(&wanted, 1, nghttp2_session_want_write(session_) != 0 ? 0 : kTickMs) <= 0) return true;
    std::array<uint8_t, 16384> part;
    const ssize_t n = recv(fd_.get(), part.data(), part.size(), 0);
    return n > 0 && nghttp2_session_mem_recv(session_, part.data(), static_cast<size_t>(n)) >= 0;
  }

  FakeGrpc& server_;
  UniqueFd fd_;
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, Stream> streams_;
};

FakeGrpc::FakeGrpc(Handler handler) : handler_(std::move(handler)) {
  char path[] = "/tmp/nsw-grpc-XXXXXX";
  folder_ = mkdtemp(path);
  socket_ = folder_ + "/grpc.sock";
}

FakeGrpc::~FakeGrpc() {
  Stop();
  std::filesystem::remove_all(folder_);
}

void FakeGrpc::Start() {
  stopping_ = false;
  listener_.Reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket_.copy(address.sun_path, sizeof address.sun_path - 1);
  std::filesystem::remove(socket_);
  if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener_.get(), 16) != 0) {
    std::abort();
  }
  acceptor_ = std::thread([this] { Accept(); });
}

void FakeGrpc::Accept() {
  while (!stopping_) {
    pollfd wanted{listener_.get(), POLLIN, 0};
    if (poll(&wanted, 1, kTickMs) <= 0) continue;
    UniqueFd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.valid()) continue;
    timeval patience{.tv_sec = 0, .tv_usec = 100'000};
    setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    connections_.emplace_back(
        [this, fd = std::move(client)]() mutable { GrpcConnection(*this, std::move(fd)).Run(); });
  }
}

void FakeGrpc::Stop() {
  stopping_ = true;
  if (acceptor_.joinable()) acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
  connections_.clear();
  listener_.Reset();
  subscribers_ = 0;
  const std::lock_guard lock(mutex_);
  published_.clear();
}

void FakeGrpc::Publish(std::string message) {
  const std::lock_guard lock(mutex_);
  published_.push_back(std::move(message));
}

}  // namespace nsw::test
