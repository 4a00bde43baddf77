// SPDX-License-Identifier: Apache-2.0
// The CRI source: pods and their containers of containerd's CRI plugin, CRI-O and whoever else
// serves Kubernetes.
#include "engine/container/cri_status.h"
#include "engine/container/facts.h"
#include "engine/container/grpc.h"
#include "engine/container/proto/containerd.pb.h"
#include "engine/container/session.h"

namespace nsw::container {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPollInterval{1000};
// A runtime says that something runs before it lists it, and before it knows its process.
constexpr milliseconds kListedLate{200};
constexpr int kLookedForMax = 20;  // times
constexpr size_t kAwaitedMax = 1024;
constexpr std::string_view kKubernetes = "k8s.io";  // containerd's namespace of CRI

class CriSource final : public SessionSource {
 public:
  CriSource(SourceOptions options, bool containerd_events, ChangeHandler handler)
      : SessionSource(std::move(options), std::move(handler)),
        containerd_events_(containerd_events) {
    StartThread();
  }
  ~CriSource() override { StopThread(); }

 private:
  Outcome Begin() override;
  tl::expected<Listing, HttpError> List() override;
  Fetched Fetch(const std::string& id) override;
  Outcome Handle(const std::string& message) override;
  std::string Peer() const override { return runtime_ + " " + version_; }
  void Forgotten(const std::string& id) override { places_.erase(id); }

  Outcome FindVersion();
  Outcome Subscribe();
  // Where the runtime has no events all is listed again and again.
  bool GoesOnWithoutStream() const override { return !containerd_events_; }
  void LookForAwaited();
  Outcome ListSandboxes(Listing& listing);
  Outcome ListContainers(Listing& listing);
  Fetched FetchSandbox(const std::string& id);
  Fetched FetchContainer(const std::string& id, const std::string& sandbox);
  tl::expected<cri::Pod, HttpError> PodOf(const std::string& sandbox);
  Outcome Happened(const std::string& id);
  Container Own(Container container) const;
  [[nodiscard]] HttpRequest Request(const char* method,
                                    const google::protobuf::MessageLite& message) const {
    return GrpcRequest("/" + service_ + "/" + method, message);
  }

  const bool containerd_events_;
  std::string service_;  // "runtime.v1.RuntimeService"
  std::string runtime_;
  std::string version_;
  // What the last listing said of them: the pod's id, "" for a pod's own.
  std::unordered_map<std::string, std::string> places_;
  std::unordered_map<std::string, cri::Pod> pods_;  // asked for since the last listing
  std::unordered_map<std::string, int> awaited_;    // heard of, not listed: how often looked for
};

Outcome CriSource::Begin() {
  return FindVersion().and_then([this] { return Subscribe(); });
}

Outcome CriSource::FindVersion() {
  Outcome told;
  for (const char* version : {"runtime.v1", "runtime.v1alpha2"}) {
    service_ = std::string(version) + ".RuntimeService";
    nsw::cri::VersionAnswer answer;
    told = GrpcCall(http_, Request("Version", nsw::cri::Nothing()), answer);
    if (told) {
      runtime_ = Printable(answer.runtime_name());
      version_ = Printable(answer.runtime_version());
      return {};
    }
    if (told.error().grpc_status != kGrpcUnimplemented) return told;
  }
  HttpError error = told.error();
  error.message = options().socket + ": no CRI is served there";
  return tl::unexpected(error);
}

Outcome CriSource::Subscribe() {
  if (!containerd_events_) {
    return http_.OpenStream(Request("GetContainerEvents", nsw::cri::Nothing()));
  }
  containerd::SubscribeRequest request;
  for (const char* topic :
       {"/tasks/create", "/tasks/start", "/tasks/delete", "/containers/delete"}) {
    request.add_filters("topic==\"" + std::string(topic) +
                        "\",namespace==" + std::string(kKubernetes));
  }
  return http_.OpenStream(GrpcRequest("/containerd.services.events.v1.Events/Subscribe", request));
}

tl::expected<Listing, HttpError> CriSource::List() {
  Listing listing;
  pods_.clear();
  places_.clear();
  const Outcome listed = ListSandboxes(listing).and_then([&] { return ListContainers(listing); });
  if (!listed) return tl::unexpected(listed.error());
  LookForAwaited();
  if (!http_.has_stream()) ListWithin(kPollInterval);
  return listing;
}

void CriSource::LookForAwaited() {
  for (auto& [id, times] : awaited_) times++;
  std::erase_if(awaited_, [&](const auto& entry) {
    return places_.contains(entry.first) || entry.second > kLookedForMax;
  });
  if (!awaited_.empty()) ListWithin(kListedLate);
}

Outcome CriSource::ListSandboxes(Listing& listing) {
  const auto bytes = GrpcCallRaw(http_, Request("ListPodSandbox", nsw::cri::Nothing()));
  if (!bytes) return tl::unexpected(bytes.error());
  nsw::cri::Sandboxes::Sandbox item;
  listing.complete &= ForEachItem(*bytes, item, [&] {
    places_[item.id()] = "";
    listing.items.push_back({item.id(), std::to_string(item.state())});
  });
  return {};
}

Outcome CriSource::ListContainers(Listing& listing) {
  const auto bytes = GrpcCallRaw(http_, Request("ListContainers", nsw::cri::ContainersRequest()));
  if (!bytes) return tl::unexpected(bytes.error());
  nsw::cri::Containers::Container item;
  listing.complete &= ForEachItem(*bytes, item, [&] {
    places_[item.id()] = item.sandbox_id();
    listing.items.push_back({item.id(), std::to_string(item.state())});
  });
  return {};
}

SessionSource::Fetched CriSource::Fetch(const std::string& id) {
  const auto place = places_.find(id);
  if (place == places_.end()) return std::nullopt;
  const std::string sandbox = place->second;
  Fetched fetched = sandbox.empty() ? FetchSandbox(id) : FetchContainer(id, sandbox);
  if (!fetched && fetched.error().grpc_status == kGrpcNotFound) return std::nullopt;
  if (fetched && *fetched && (*fetched)->id != id) {
    return tl::unexpected(OddAnswer("another container than asked for"));
  }
  return fetched;
}

SessionSource::Fetched CriSource::FetchSandbox(const std::string& id) {
  nsw::cri::StatusRequest request;
  request.set_id(id);
  request.set_verbose(true);
  nsw::cri::SandboxAnswer answer;
  const Outcome told = GrpcCall(http_, Request("PodSandboxStatus", request), answer);
  if (!told) return tl::unexpected(told.error());
  pods_[id] = cri::PodOf(answer);
  return Own(cri::SandboxContainer(answer));
}

SessionSource::Fetched CriSource::FetchContainer(const std::string& id,
                                                 const std::string& sandbox) {
  nsw::cri::StatusRequest request;
  request.set_id(id);
  request.set_verbose(true);
  nsw::cri::ContainerAnswer answer;
  const Outcome told = GrpcCall(http_, Request("ContainerStatus", request), answer);
  if (!told) return tl::unexpected(told.error());
  const auto pod = PodOf(sandbox);
  if (!pod) return tl::unexpected(pod.error());
  return Own(cri::ContainerOf(answer, *pod));
}

// A pod that is gone before its containers leaves them nameless, not unknown.
tl::expected<cri::Pod, HttpError> CriSource::PodOf(const std::string& sandbox) {
  if (const auto found = pods_.find(sandbox); found != pods_.end()) return found->second;
  const Fetched fetched = FetchSandbox(sandbox);
  if (!fetched && fetched.error().grpc_status != kGrpcNotFound) {
    return tl::unexpected(fetched.error());
  }
  return pods_[sandbox];
}

Container CriSource::Own(Container container) const {
  const bool known = runtime_ == "containerd" || runtime_ == "cri-o";
  container.runtime = known ? runtime_ : options().runtime;
  return container;
}

Outcome CriSource::Handle(const std::string& message) {
  if (!containerd_events_) {
    nsw::cri::Event event;
    if (!event.ParseFromString(message)) {
      return tl::unexpected(OddAnswer(options().socket + ": an event that cannot be read"));
    }
    return Happened(event.container_id());
  }
  containerd::Envelope envelope;
  containerd::ContainerEvent event;
  if (!envelope.ParseFromString(message) || !event.ParseFromString(envelope.event().value())) {
    return tl::unexpected(OddAnswer(options().socket + ": an event that cannot be read"));
  }
  return envelope.namespace_() == kKubernetes ? Happened(event.id()) : Outcome();
}

// What is new must be looked for first, for the pod that it belongs to.
Outcome CriSource::Happened(const std::string& id) {
  ListWithin(kListedLate);
  if (places_.contains(id)) return Inspect(id);
  if (awaited_.size() < kAwaitedMax) awaited_.try_emplace(id, 0);
  ListWithin(milliseconds(0));
  return {};
}

}  // namespace

std::unique_ptr<Source> MakeCriSource(SourceOptions options, bool containerd_events,
                                      ChangeHandler handler) {
  return std::make_unique<CriSource>(std::move(options), containerd_events, std::move(handler));
}

}  // namespace nsw::container
