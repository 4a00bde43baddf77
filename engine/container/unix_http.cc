// SPDX-License-Identifier: Apache-2.0
#include "engine/container/unix_http.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

namespace nsw::container {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr size_t kFrameHeader = 5;  // of a gRPC message: a flag and the length
constexpr size_t kGrpcMessageMax = 200;

// The value of a header line, if its name (in lower case, as HTTP/2 has them) is this.
bool TakeHeader(std::string_view line, std::string_view name, std::string_view& value) {
  if (!line.starts_with(name) || line.substr(name.size(), 1) != ":") return false;
  value = line.substr(name.size() + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  while (value.ends_with('\n') || value.ends_with('\r')) value.remove_suffix(1);
  return true;
}

void TakeTrailer(std::string_view line, HttpAnswer& answer) {
  std::string_view value;
  if (TakeHeader(line, "grpc-status", value)) {
    std::from_chars(value.data(), value.data() + value.size(), answer.grpc_status);
  } else if (TakeHeader(line, "grpc-message", value)) {
    answer.grpc_message = value.substr(0, kGrpcMessageMax);
  }
}

}  // namespace

struct UnixHttp::Transfer {
  UnixHttp* owner = nullptr;
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  bool is_stream = false;
  bool grpc = false;
  bool headers_done = false;
  bool ended = false;
  CURLcode result = CURLE_OK;
  size_t header_bytes = 0;
  HttpAnswer answer;
  std::string line;  // of a stream: what has come of the current one
  bool line_dropped = false;
  std::string frame_header;  // of a gRPC message: as much as has come
  size_t frame_left = 0;

  Transfer() = default;
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    if (easy == nullptr) return;
    curl_multi_remove_handle(owner->multi_, easy);
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
  }

  void SetRequest(const HttpRequest& request) {
    grpc = request.grpc;
    for (const std::string& header : request.headers) {
      headers = curl_slist_append(headers, header.c_str());
    }
    if (grpc) {
      curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
      // libcurl 7.88 finds an "error in the framing layer" where it uses such a connection again.
      curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
      curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
      curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request.body.data());
    }
    if (headers != nullptr) curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  }
};

UnixHttp::UnixHttp(std::string socket, HttpLimits limits)
    : socket_(std::move(socket)), limits_(limits) {
  static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)once;
  multi_ = curl_multi_init();
}

UnixHttp::~UnixHttp() {
  stream_.reset();
  curl_multi_cleanup(multi_);
}

void UnixHttp::Stop() {
  stopped_ = true;
  curl_multi_wakeup(multi_);
}

std::unique_ptr<UnixHttp::Transfer> UnixHttp::Begin(const HttpRequest& request, bool stream) {
  auto transfer = std::make_unique<Transfer>();
  CURL* easy = curl_easy_init();
  transfer->owner = this;
  transfer->easy = easy;
  transfer->is_stream = stream;
  curl_easy_setopt(easy, CURLOPT_URL, ("http://localhost" + request.path).c_str());
  curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, socket_.c_str());
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // whatever the environment says
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, limits_.connect_timeout_ms);
  if (!stream) curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, limits_.timeout_ms);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &UnixHttp::OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer.get());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &UnixHttp::OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer.get());
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer.get());
  transfer->SetRequest(request);
  curl_multi_add_handle(multi_, easy);
  return transfer;
}

namespace {

void TakeServer(std::string_view line, HttpAnswer& answer) {
  constexpr std::string_view kName = "server:";
  if (line.size() < kName.size() || strncasecmp(line.data(), kName.data(), kName.size()) != 0)
    return;
  line.remove_prefix(std::min(line.find_first_not_of(' ', kName.size()), line.size()));
  answer.server = line.substr(0, line.find_first_of("\r\n"));
}

}  // namespace

size_t UnixHttp::OnHeader(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size * count);
  transfer.header_bytes += line.size();
  if (line == "\r\n" || line == "\n") transfer.headers_done = true;
  TakeServer(line, transfer.answer);
  if (transfer.grpc) TakeTrailer(line, transfer.answer);
  return transfer.header_bytes <= transfer.owner->limits_.headers_max ? line.size() : 0;
}

size_t UnixHttp::OnBody(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view part(data, size * count);
  if (transfer.is_stream) {
    transfer.grpc ? transfer.owner->AddToMessages(transfer, part)
                  : transfer.owner->AddToLines(transfer, part);
    return transfer.owner->stopped_ ? 0 : part.size();
  }
  const size_t room = transfer.owner->limits_.answer_max - transfer.answer.body.size();
  transfer.answer.body.append(part.substr(0, room));
  transfer.answer.cut = part.size() > room;
  return transfer.answer.cut ? 0 : part.size();  // 0 ends the transfer
}

void UnixHttp::AddToLines(Transfer& transfer, std::string_view part) {
  while (!part.empty()) {
    const size_t end = std::min(part.find('\n'), part.size());
    if (transfer.line.size() + end > limits_.line_max) transfer.line_dropped = true;
    if (!transfer.line_dropped) transfer.line.append(part.substr(0, end));
    if (end == part.size()) return;
    EndLine(transfer);
    part.remove_prefix(end + 1);
  }
}

void UnixHttp::AddToMessages(Transfer& transfer, std::string_view part) {
  const auto take = [&](size_t wanted) {
    const std::string_view taken = part.substr(0, wanted);
    part.remove_prefix(taken.size());
    return taken;
  };
  while (!part.empty()) {
    std::string& header = transfer.frame_header;
    if (header.size() < kFrameHeader) {
      header += take(kFrameHeader - header.size());
      if (header.size() < kFrameHeader) return;
      for (size_t i = 1; i < kFrameHeader; i++)
        transfer.frame_left = transfer.frame_left << 8 | static_cast<uint8_t>(header[i]);
      // What is compressed nobody asked for.
      transfer.line_dropped = header[0] != 0 || transfer.frame_left > limits_.line_max;
    }
    const std::string_view taken = take(transfer.frame_left);
    if (!transfer.line_dropped) transfer.line += taken;
    transfer.frame_left -= taken.size();
    if (transfer.frame_left > 0) return;
    EndLine(transfer);
    header.clear();
  }
}

void UnixHttp::EndLine(Transfer& transfer) {
  if (transfer.line_dropped || lines_bytes_ + transfer.line.size() > limits_.lines_bytes_max) {
    missed_ = true;
  } else if (!transfer.line.empty()) {
    if (early_) early_(transfer.line);
    lines_bytes_ += transfer.line.size();
    lines_.push_back(std::move(transfer.line));
  }
  transfer.line.clear();
  transfer.line_dropped = false;
}

// Moves the transfers on as far as they go without waiting.
void UnixHttp::Move() {
  int running = 0;
  curl_multi_perform(multi_, &running);
  CollectEnded();
}

// Waits for the network, a Stop or the deadline. The slices are for nothing but safety.
// True when `fd` can be read.
bool UnixHttp::Wait(Deadline deadline, int fd) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
  if (left <= 0 || stopped_) return false;
  curl_waitfd wanted{fd, CURL_WAIT_POLLIN, 0};
  curl_multi_poll(multi_, &wanted, fd >= 0 ? 1 : 0, static_cast<int>(std::min<long>(left, 1000)),
                  nullptr);
  return wanted.revents != 0;
}

void UnixHttp::CollectEnded() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    char* user = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &user);
    auto& transfer = *reinterpret_cast<Transfer*>(user);
    transfer.ended = true;
    transfer.result = message->data.result;
    curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &transfer.answer.status);
  }
}

HttpError UnixHttp::ErrorOf(const Transfer& transfer) const {
  if (stopped_) return {HttpError::Kind::kStopped, "stopped"};
  if (!transfer.ended || transfer.result == CURLE_OPERATION_TIMEDOUT) {
    return {HttpError::Kind::kTimeout, socket_ + ": no answer in time"};
  }
  long code = 0;
  curl_easy_getinfo(transfer.easy, CURLINFO_OS_ERRNO, &code);
  if (transfer.result == CURLE_COULDNT_CONNECT) {
    const bool absent = code == ENOENT || code == ECONNREFUSED;
    const char* why = code != 0 ? strerror(static_cast<int>(code)) : "cannot connect";
    return {absent ? HttpError::Kind::kAbsent : HttpError::Kind::kOther, socket_ + ": " + why};
  }
  return {HttpError::Kind::kOther, socket_ + ": " + curl_easy_strerror(transfer.result)};
}

tl::expected<HttpAnswer, HttpError> UnixHttp::Ask(const HttpRequest& request) {
  const auto transfer = Begin(request, false);
  const Deadline deadline = steady_clock::now() + milliseconds(limits_.timeout_ms);
  for (Move(); !transfer->ended && !stopped_ && steady_clock::now() < deadline; Move()) {
    Wait(deadline);
  }
  const bool whole = transfer->ended && (transfer->result == CURLE_OK || transfer->answer.cut);
  if (!whole || stopped_) return tl::unexpected(ErrorOf(*transfer));
  return std::move(transfer->answer);
}

Outcome UnixHttp::OpenStream(const HttpRequest& request, LineHandler early) {
  stream_.reset();
  early_ = std::move(early);
  lines_.clear();
  lines_bytes_ = 0;
  missed_ = false;
  stream_ = Begin(request, true);
  if (request.grpc) return {};
  const Deadline deadline = steady_clock::now() + milliseconds(limits_.timeout_ms);
  const auto waiting = [&] { return !stream_->headers_done && !stream_->ended && !stopped_; };
  for (Move(); waiting() && steady_clock::now() < deadline; Move()) Wait(deadline);
  if (!stream_->headers_done || stopped_) return tl::unexpected(ErrorOf(*stream_));
  long status = 0;
  curl_easy_getinfo(stream_->easy, CURLINFO_RESPONSE_CODE, &status);
  if (status == 200) return {};
  return tl::unexpected(
      HttpError{HttpError::Kind::kOther, socket_ + ": events: status " + std::to_string(status)});
}

void UnixHttp::CloseStream() { stream_.reset(); }

bool UnixHttp::stream_ended() const { return stream_ != nullptr && stream_->ended; }

Outcome UnixHttp::WaitLine(milliseconds timeout) {
  const Deadline deadline = steady_clock::now() + timeout;
  for (;;) {
    Move();
    if (stopped_) return tl::unexpected(HttpError{HttpError::Kind::kStopped, "stopped"});
    if (!lines_.empty() || missed_) return {};
    if (stream_ == nullptr || stream_->ended) {
      const std::string why = stream_ == nullptr ? "" : stream_->answer.grpc_message;
      return tl::unexpected(
          HttpError{HttpError::Kind::kOther,
                    socket_ + ": the events ended" + (why.empty() ? "" : ": " + why)});
    }
    if (steady_clock::now() >= deadline) return {};
    Wait(deadline);
  }
}

bool UnixHttp::TakeLine(std::string& line) {
  if (lines_.empty()) return false;
  line = std::move(lines_.front());
  lines_.pop_front();
  lines_bytes_ -= line.size();
  return true;
}

bool UnixHttp::TakeMissed() { return std::exchange(missed_, false); }

void UnixHttp::Sleep(milliseconds time, int fd) {
  const Deadline deadline = steady_clock::now() + time;
  while (!stopped_ && steady_clock::now() < deadline) {
    if (Wait(deadline, fd)) return;
  }
}

}  // namespace nsw::container
