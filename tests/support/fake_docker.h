// SPDX-License-Identifier: Apache-2.0
// FakeDocker: plays the Docker Engine API on a unix socket, well or badly. Its methods may be
// called from any thread.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/support/http_server.h"

namespace nsw::test {

/// A container id of one repeated digit: Id('a').
inline std::string Id(char digit) { return std::string(64, digit); }

class FakeDocker {
 public:
  enum class Manner {
    kGood,
    kHang,         ///< takes requests and never answers
    kGigabyte,     ///< answers without end
    kGarbage,      ///< answers bytes that are no JSON
    kHeaders,      ///< headers without end
    kFlood,        ///< good, but the events never pause
    kHangInspect,  ///< good, but an inspection is never answered
    kPodman,       ///< good, but its version is never told
    kSlow          ///< good, but each answer takes 1,2 s
  };

  FakeDocker();  // does not listen yet
  ~FakeDocker();

  void Start();
  void Stop();  ///< ends every connection
  [[nodiscard]] const std::string& socket() const { return socket_; }

  void Behave(Manner manner);
  /// What /containers/ID/json answers, put together from a few words.
  void Add(const std::string& id, const std::string& name, const std::string& image, int pid = 0);
  void AddJson(const std::string& id, std::string inspect);
  void AddImage(const std::string& id, std::string json);
  void Remove(const std::string& id);
  /// Sends one event to whoever listens, and to those who ask for what was before.
  void Send(const std::string& action, const std::string& id, const std::string& attributes = "");
  void SendLine(std::string line);
  [[nodiscard]] int listings() const;
  [[nodiscard]] int subscribers() const;
  [[nodiscard]] std::string last_version() const;

 private:
  void Handle(const HttpRequest& request, HttpConnection& connection);
  void Misbehave(Manner manner, HttpConnection& connection);
  void Stream(HttpConnection& connection);
  std::string List() const;

  std::string folder_;
  std::string socket_;
  mutable std::mutex mutex_;
  Manner manner_ = Manner::kGood;
  std::map<std::string, std::string> containers_;
  std::map<std::string, std::string> images_;
  std::vector<std::string> lines_;
  int listings_ = 0;
  int subscribers_ = 0;
  std::string last_version_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace nsw::test
