// SPDX-License-Identifier: Apache-2.0
#include "engine/container/grpc.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

namespace nsw::container {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr size_t kPrefix = 5;
constexpr uint32_t kItemMax = 1U << 20;

std::string Framed(const google::protobuf::MessageLite& message) {
  const std::string bytes = message.SerializeAsString();
  std::string framed(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) framed += static_cast<char>(bytes.size() >> shift);
  return framed + bytes;
}

size_t LengthOf(const std::string& frame) {
  size_t length = 0;
  for (size_t i = 1; i < kPrefix; i++) length = length << 8 | static_cast<uint8_t>(frame[i]);
  return length;
}

HttpError Refused(const HttpRequest& request, const HttpAnswer& answer) {
  const bool unimplemented = answer.grpc_status == kGrpcUnimplemented;
  std::string text = request.path + ": ";
  if (answer.grpc_status < 0) {
    text += "no gRPC status (HTTP status " + std::to_string(answer.status) + ")";
  } else {
    text += "status " + std::to_string(answer.grpc_status) + " " + answer.grpc_message;
  }
  return {unimplemented ? HttpError::Kind::kAbsent : HttpError::Kind::kOdd, text,
          answer.grpc_status};
}

}  // namespace

HttpRequest GrpcRequest(const std::string& method, const google::protobuf::MessageLite& message,
                        const std::string& header) {
  HttpRequest request{.path = method, .grpc = true, .body = Framed(message)};
  request.headers = {"content-type: application/grpc", "te: trailers", "expect:"};
  if (!header.empty()) request.headers.push_back(header);
  return request;
}

tl::expected<std::string, HttpError> GrpcCallRaw(UnixHttp& http, const HttpRequest& request) {
  auto answer = http.Ask(request);
  if (!answer) return tl::unexpected(answer.error());
  if (answer->grpc_status != kGrpcOk && !answer->cut) {
    return tl::unexpected(Refused(request, *answer));
  }
  std::string& body = answer->body;
  const bool whole = body.size() >= kPrefix && body[0] == 0 &&
                     (answer->cut || LengthOf(body) == body.size() - kPrefix);
  if (!whole) {
    return tl::unexpected(
        HttpError{HttpError::Kind::kOdd, request.path + ": an answer that is none"});
  }
  return body.substr(kPrefix);
}

Outcome GrpcCall(UnixHttp& http, const HttpRequest& request,
                 google::protobuf::MessageLite& answer) {
  const auto bytes = GrpcCallRaw(http, request);
  if (!bytes) return tl::unexpected(bytes.error());
  if (answer.ParseFromString(*bytes)) return {};
  return tl::unexpected(
      HttpError{HttpError::Kind::kOdd, request.path + ": an answer that cannot be read"});
}

bool ForEachItem(std::string_view message, google::protobuf::MessageLite& item,
                 const std::function<void()>& visit) {
  CodedInputStream in(reinterpret_cast<const uint8_t*>(message.data()),
                      static_cast<int>(message.size()));
  const uint32_t wanted = WireFormatLite::MakeTag(1, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  while (const uint32_t tag = in.ReadTag()) {
    if (tag != wanted) {
      if (!WireFormatLite::SkipField(&in, tag)) return false;
      continue;
    }
    uint32_t size = 0;
    if (!in.ReadVarint32(&size)) return false;
    const auto at = static_cast<size_t>(in.CurrentPosition());
    if (size > message.size() - at || !in.Skip(static_cast<int>(size))) return false;
    item.Clear();
    if (size <= kItemMax && item.ParseFromArray(message.data() + at, static_cast<int>(size)))
      visit();
  }
  return in.ConsumedEntireMessage();
}

}  // namespace nsw::container
