// SPDX-License-Identifier: Apache-2.0
// gRPC calls through UnixHttp: a call is a POST by HTTP/2 whose body is one message after five
// bytes of length, and a status in the trailers. Debian's grpc++ would do the same with 51 more
// libraries, 6 MB more memory for being linked, and 4 MB and 7 threads more once used; here bounds
// and Stop are those of every other runtime, too.
#pragma once

#include <google/protobuf/message_lite.h>

#include <string>

#include "engine/container/unix_http.h"

namespace nsw::container {

enum GrpcStatus { kGrpcOk = 0, kGrpcNotFound = 5, kGrpcUnimplemented = 12 };

/// The request of a call of METHOD ("/package.Service/Method"); `header`: one more, or "".
HttpRequest GrpcRequest(const std::string& method, const google::protobuf::MessageLite& message,
                        const std::string& header = "");

/// Calls, and reads the answer into `answer`. An error status is an error with `grpc_status`; an
/// answer that is none is kOdd.
Outcome GrpcCall(UnixHttp& http, const HttpRequest& request, google::protobuf::MessageLite& answer);

/// The same, but hands over the bytes of the one message of the answer.
tl::expected<std::string, HttpError> GrpcCallRaw(UnixHttp& http, const HttpRequest& request);

/// Takes the `repeated` messages that are field 1 of a message one by one, so that a list of empty
/// items costs no more memory than its bytes: each that parses and is not above 1 MiB is visited.
/// False if the text breaks off.
bool ForEachItem(std::string_view message, google::protobuf::MessageLite& item,
                 const std::function<void()>& visit);

}  // namespace nsw::container
