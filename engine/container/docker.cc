// SPDX-License-Identifier: Apache-2.0
// The Docker source: the version, the events, a listing, and an inspection for each event.
#include <ctime>

#include "engine/container/docker_json.h"
#include "engine/container/facts.h"
#include "engine/container/session.h"

namespace nsw::container {
namespace {

constexpr size_t kImagesMax = 1024;
constexpr std::string_view kLibpod = "Libpod/";
constexpr std::string_view kEventsFilter =  // {"type":["container"],"event":["create",...]}
    "%7B%22type%22%3A%5B%22container%22%5D%2C%22event%22%3A%5B%22create%22%2C%22start%22%2C"
    "%22restart%22%2C%22die%22%2C%22destroy%22%2C%22remove%22%2C%22rename%22%2C%22pause%22%2C"
    "%22unpause%22%2C%22update%22%5D%7D";

class DockerSource final : public SessionSource {
 public:
  DockerSource(SourceOptions options, ChangeHandler handler)
      : SessionSource(std::move(options), std::move(handler)) {
    StartThread();
  }
  ~DockerSource() override { StopThread(); }

 private:
  Outcome Begin() override {
    return Negotiate().and_then([this] { return Subscribe(); });
  }
  tl::expected<Listing, HttpError> List() override;
  Fetched Fetch(const std::string& id) override;
  Outcome Handle(const std::string& line) override;
  std::string Peer() const override { return options().runtime + " " + engine_; }

  Outcome Negotiate();
  Outcome Subscribe();
  void HandleEarly(const std::string& line);
  void HandleBareImage(Container created);
  bool Complete(Container& container, const std::string& image_id);
  HttpError Odd(const std::string& what) const { return OddAnswer(options().socket + ": " + what); }

  std::string prefix_;  // "/v1.41"
  std::string engine_;
  std::unordered_map<std::string, docker::ImageInfo> images_;
};

// podman asks the whole system for what it puts into its version, which takes up to a minute where
// the machine is busy. It is told apart by its answer to a ping.
Outcome DockerSource::Negotiate() {
  const auto ping = http_.Get("/_ping");
  if (!ping) return tl::unexpected(ping.error());
  if (ping->server.starts_with(kLibpod)) {
    prefix_.clear();
    engine_ =
        Printable(ping->server.substr(kLibpod.size(), ping->server.find(' ') - kLibpod.size()));
    return {};
  }
  const auto answer = http_.Get("/version");
  if (!answer) return tl::unexpected(answer.error());
  const Result<docker::Version> version = docker::ParseVersion(answer->body);
  if (!version) return tl::unexpected(Odd(version.error().message));
  const std::string api = docker::ChooseApi(*version);
  prefix_ = api.empty() ? "" : "/v" + api;
  engine_ = version->engine;
  return {};
}

Outcome DockerSource::Subscribe() {
  // The server answers first and subscribes then: asking for the last seconds too closes that gap.
  const std::string since = std::to_string(std::max<time_t>(time(nullptr) - 2, 0));
  return http_.OpenStream(
      {.path = prefix_ + "/events?since=" + since + "&filters=" + std::string(kEventsFilter)},
      [this](const std::string& line) { HandleEarly(line); });
}

tl::expected<Listing, HttpError> DockerSource::List() {
  images_.clear();  // tags move
  const auto answer = http_.Get(prefix_ + "/containers/json?all=1");
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status != 200) {
    return tl::unexpected(Odd("listing: status " + std::to_string(answer->status)));
  }
  Result<Listing> listing = docker::ParseListing(answer->body);
  if (!listing) return tl::unexpected(Odd(listing.error().message));
  return std::move(*listing);
}

// An inspection has to wait while the container is being started, and would be too late for the
// container's first instruction. The event itself says enough to choose policies by, nearly always.
void DockerSource::HandleEarly(const std::string& line) {
  Result<docker::Event> event = docker::ParseEvent(line);
  if (!event || event->created.id.empty() || Knows(event->id)) return;
  if (docker::IsBareImage(event->created.image)) return;
  event->created.runtime = options().runtime;
  Upsert(std::move(event->created));
}

Outcome DockerSource::Handle(const std::string& line) {
  const Result<docker::Event> event = docker::ParseEvent(line);
  if (!event) return tl::unexpected(Odd(event.error().message));
  if (docker::IsBareImage(event->created.image)) HandleBareImage(event->created);
  switch (event->meaning) {
    case docker::Event::Meaning::kIgnored:
      break;
    case docker::Event::Meaning::kChanged:
      return Inspect(event->id);
    case docker::Event::Meaning::kGone:
      Remove(event->id);
      break;
  }
  return {};
}

// The same for a container made from an image's id: the image can be asked for without waiting.
void DockerSource::HandleBareImage(Container created) {
  if (created.id.empty() || Knows(created.id)) return;
  const std::string reference = created.image.reference;
  if (Complete(created, reference)) Upsert(std::move(created));
}

SessionSource::Fetched DockerSource::Fetch(const std::string& id) {
  const auto answer = http_.Get(prefix_ + "/containers/" + id + "/json");
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status == 404) return std::nullopt;
  Result<docker::Inspected> inspected = docker::ParseInspect(answer->body);
  if (answer->status != 200 || !inspected || inspected->container.id != id) {
    return tl::unexpected(Odd("an inspection that says nothing"));
  }
  Complete(inspected->container, inspected->image_id);
  return std::move(inspected->container);
}

// Adds what only the image knows. False where nothing is known: an image that is gone (its
// container is not) leaves its id.
bool DockerSource::Complete(Container& container, const std::string& image_id) {
  container.runtime = options().runtime;
  if (!docker::IsImageId(image_id)) return false;
  auto found = images_.find(image_id);
  if (found == images_.end()) {
    const auto answer = http_.Get(prefix_ + "/images/" + image_id + "/json");
    docker::ImageInfo info;
    if (answer && answer->status == 200) info = docker::ParseImageInfo(answer->body);
    if (info.id.empty()) info.id = image_id;
    if (images_.size() >= kImagesMax) images_.clear();
    found = images_.emplace(image_id, std::move(info)).first;
  }
  docker::CompleteImage(found->second, container.image);
  return !found->second.tags.empty() || !found->second.digests.empty();
}

}  // namespace

std::unique_ptr<Source> MakeDockerSource(SourceOptions options, ChangeHandler handler) {
  return std::make_unique<DockerSource>(std::move(options), std::move(handler));
}

}  // namespace nsw::container
