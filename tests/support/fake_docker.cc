// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_docker.h"

#include <cstdlib>
#include <filesystem>

namespace nsw::test {
namespace {

constexpr std::string_view kEndless = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";

std::string Between(const std::string& text, std::string_view before, std::string_view after) {
  const size_t begin = text.find(before) + before.size();
  return text.substr(begin, text.find(after, begin) - begin);
}

}  // namespace

FakeDocker::FakeDocker() {
  char path[] = "/tmp/nsw-docker-XXXXXX";
  folder_ = mkdtemp(path);
  socket_ = folder_ + "/docker.sock";
}

FakeDocker::~FakeDocker() {
  Stop();
  std::filesystem::remove_all(folder_);
}

void FakeDocker::Start() {
  server_ = std::make_unique<HttpServer>(
      socket_, [this](const HttpRequest& request, HttpConnection& c) { Handle(request, c); });
}

void FakeDocker::Stop() {
  server_.reset();
  const std::lock_guard lock(mutex_);
  lines_.clear();
}

void FakeDocker::Behave(Manner manner) {
  const std::lock_guard lock(mutex_);
  manner_ = manner;
}

void FakeDocker::Add(const std::string& id, const std::string& name, const std::string& image,
                     int pid) {
  AddJson(id, R"({"Id":")" + id + R"(","Created":"2026-01-31T12:00:00.5Z","State":{"Pid":)" +
                  std::to_string(pid) + R"(},"Image":"","Name":"/)" + name +
                  R"(","HostConfig":{"Privileged":false},"Config":{"Image":")" + image +
                  R"(","Labels":{"app":"x"}}})");
}

void FakeDocker::AddJson(const std::string& id, std::string inspect) {
  const std::lock_guard lock(mutex_);
  containers_[id] = std::move(inspect);
}

void FakeDocker::AddImage(const std::string& id, std::string json) {
  const std::lock_guard lock(mutex_);
  images_[id] = std::move(json);
}

void FakeDocker::Remove(const std::string& id) {
  const std::lock_guard lock(mutex_);
  containers_.erase(id);
}

void FakeDocker::Send(const std::string& action, const std::string& id,
                      const std::string& attributes) {
  SendLine(R"({"Type":"container","Action":")" + action + R"(","Actor":{"ID":")" + id +
           R"(","Attributes":{)" + attributes + "}}}\n");
}

void FakeDocker::SendLine(std::string line) {
  const std::lock_guard lock(mutex_);
  lines_.push_back(std::move(line));
}

int FakeDocker::listings() const {
  const std::lock_guard lock(mutex_);
  return listings_;
}

int FakeDocker::subscribers() const {
  const std::lock_guard lock(mutex_);
  return subscribers_;
}

std::string FakeDocker::last_version() const {
  const std::lock_guard lock(mutex_);
  return last_version_;
}

std::string FakeDocker::List() const {
  std::string list = "[";
  for (const auto& [id, json] : containers_) {
    list += (list.size() > 1 ? "," : "") + (R"({"Id":")" + id + R"(","Names":["/x"]})");
  }
  return list + "]";
}

void FakeDocker::Misbehave(Manner manner, HttpConnection& connection) {
  if (manner == Manner::kHang) return connection.Hang();
  if (manner == Manner::kGarbage) return connection.Answer(200, "{\"Id\":\x01\xff[[[[");
  const bool headers = manner == Manner::kHeaders;
  if (!connection.Send(headers ? "HTTP/1.1 200 OK\r\n" : kEndless)) return;
  const std::string part =
      headers ? "X-More: " + std::string(1000, 'x') + "\r\n" : "[" + std::string(65536, '[');
  while (connection.Send(part)) {
  }
}

void FakeDocker::Stream(HttpConnection& connection) {
  size_t next = 0;
  {
    // Before the answer: who has it counts on every event from here on.
    const std::lock_guard lock(mutex_);
    next = lines_.size();
    subscribers_++;
  }
  if (!connection.Send(kEndless)) return;
  for (bool there = true; there;) {
    std::string text;
    Manner manner;
    {
      const std::lock_guard lock(mutex_);
      manner = manner_;
      while (next < lines_.size()) text += lines_[next++];
    }
    if (manner == Manner::kFlood) text.append(65536, 'x');
    there = connection.Send(text) && (manner == Manner::kFlood || connection.Wait(20));
  }
}

void FakeDocker::Handle(const HttpRequest& request, HttpConnection& connection) {
  std::unique_lock lock(mutex_);
  const Manner manner = manner_;
  const std::string& target = request.target;
  const bool bad = manner == Manner::kHang || manner == Manner::kGigabyte ||
                   manner == Manner::kGarbage || manner == Manner::kHeaders;
  if (target.starts_with("/v")) last_version_ = Between(target, "/", "/");
  std::string answer;
  int status = 200;
  if (target == "/version") {
    answer = R"({"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12"})";
  } else if (target.find("/containers/json") != std::string::npos) {
    listings_++;
    answer = List();
  } else if (target.find("/containers/") != std::string::npos) {
    const auto found = containers_.find(Between(target, "/containers/", "/json"));
    status = found == containers_.end() ? 404 : 200;
    answer = found == containers_.end() ? R"({"message":"No such container"})" : found->second;
    if (manner == Manner::kHangInspect) {
      lock.unlock();
      return connection.Hang();
    }
  } else if (target.find("/images/") != std::string::npos) {
    const auto found = images_.find(Between(target, "/images/", "/json"));
    status = found == images_.end() ? 404 : 200;
    answer = found == images_.end() ? "{}" : found->second;
  }
  lock.unlock();
  if (manner == Manner::kPodman && target == "/version") return connection.Hang();
  if (manner == Manner::kPodman && target == "/_ping")
    return connection.Answer(200, "OK", "Server: Libpod/4.3.1 (linux)\r\n");
  if (bad) return Misbehave(manner, connection);
  if (manner == Manner::kSlow && !connection.Wait(600)) return;
  if (target.find("/events") != std::string::npos) return Stream(connection);
  connection.Answer(status, answer);
}

}  // namespace nsw::test
