// SPDX-License-Identifier: Apache-2.0
// The containerd source. What counts is the task: a container that never ran did nothing. The event
// of a task's creation names the init process before it runs its first program.
#include "engine/container/facts.h"
#include "engine/container/grpc.h"
#include "engine/container/oci_spec.h"
#include "engine/container/proto/containerd.pb.h"
#include "engine/container/session.h"

namespace nsw::container {
namespace {

using containerd::Envelope;
using std::chrono::milliseconds;

constexpr size_t kNamespacesMax = 256;
constexpr int kStopped = 3;  // its process is gone, its number perhaps another's
constexpr size_t kImagesMax = 1024;
constexpr std::string_view kDockers = "moby";  // Docker tells of its containers itself
constexpr std::string_view kKubernetes = "k8s.io";
constexpr std::string_view kCriKind = "io.cri-containerd.kind";
constexpr const char* kApi = "/containerd.services.";
constexpr milliseconds kSubscribedLate{1000};

bool IsDigits(std::string_view id) {
  return id.size() == 64 && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// A name is free to choose, and only unique in its namespace.
std::string KeyOf(const std::string& space, const std::string& id) {
  return IsDigits(id) ? id : space + "/" + id;
}

class ContainerdSource final : public SessionSource {
 public:
  ContainerdSource(SourceOptions options, ChangeHandler handler)
      : SessionSource(std::move(options), std::move(handler)) {
    StartThread();
  }
  ~ContainerdSource() override { StopThread(); }

 private:
  // Where a container is to be asked for, and its init process.
  struct Place {
    std::string space;
    std::string id;
    pid_t pid = 0;
  };

  Outcome Begin() override;
  tl::expected<Listing, HttpError> List() override;
  Fetched Fetch(const std::string& key) override;
  Outcome Handle(const std::string& message) override;
  std::string Peer() const override { return "containerd " + version_; }
  void Forgotten(const std::string& key) override { places_.erase(key); }

  Outcome Subscribe();
  Outcome ListTasks(const std::string& space, Listing& listing);
  Outcome TaskHas(const std::string& space, const std::string& id, uint32_t pid);
  const std::string& Digest(const Place& place, const std::string& image);
  Container Understand(const Place& place, const containerd::ContainerAnswer::Container& told);
  Outcome Call(const std::string& method, const google::protobuf::MessageLite& request,
               const std::string& space, google::protobuf::MessageLite& answer);

  std::string version_;
  std::unordered_map<std::string, Place> places_;  // by key
  std::unordered_map<std::string, std::string> digests_;
  bool settling_ = false;  // the subscription may have come after the first listing
};

Outcome ContainerdSource::Call(const std::string& method,
                               const google::protobuf::MessageLite& request,
                               const std::string& space, google::protobuf::MessageLite& answer) {
  const std::string header = space.empty() ? "" : "containerd-namespace: " + space;
  return GrpcCall(http_, GrpcRequest(kApi + method, request, header), answer);
}

Outcome ContainerdSource::Begin() {
  containerd::VersionAnswer answer;
  const Outcome told = Call("version.v1.Version/Version", containerd::Nothing(), "", answer);
  if (!told) return told;
  version_ = Printable(answer.version());
  settling_ = true;
  return Subscribe();
}

Outcome ContainerdSource::Subscribe() {
  containerd::SubscribeRequest request;
  for (const char* topic : {"/tasks/create", "/tasks/start", "/tasks/delete", "/containers/update",
                            "/containers/delete"}) {
    request.add_filters("topic==\"" + std::string(topic) +
                        "\",namespace!=" + std::string(kDockers));
  }
  return http_.OpenStream(GrpcRequest(kApi + std::string("events.v1.Events/Subscribe"), request));
}

tl::expected<Listing, HttpError> ContainerdSource::List() {
  digests_.clear();  // names move
  const auto spaces = GrpcCallRaw(
      http_,
      GrpcRequest(kApi + std::string("namespaces.v1.Namespaces/List"), containerd::Nothing()));
  if (!spaces) return tl::unexpected(spaces.error());
  Listing listing;
  std::vector<std::string> names;
  containerd::NamespacesAnswer::Namespace item;
  listing.complete = ForEachItem(*spaces, item, [&] {
    if (item.name() != kDockers && names.size() < kNamespacesMax) names.push_back(item.name());
  });
  for (const std::string& name : names) {
    if (name != kKubernetes) TellNameless();
    if (const Outcome listed = ListTasks(name, listing); !listed) {
      return tl::unexpected(listed.error());
    }
  }
  // The server says nothing when a subscription stands: whatever happened until now is seen soon.
  if (std::exchange(settling_, false)) ListWithin(kSubscribedLate);
  return listing;
}

Outcome ContainerdSource::ListTasks(const std::string& space, Listing& listing) {
  const auto tasks =
      GrpcCallRaw(http_, GrpcRequest(kApi + std::string("tasks.v1.Tasks/List"),
                                     containerd::Nothing(), "containerd-namespace: " + space));
  if (!tasks) return tl::unexpected(tasks.error());
  containerd::TasksAnswer::Task task;
  listing.complete &= ForEachItem(*tasks, task, [&] {
    const std::string key = KeyOf(space, task.id());
    const auto pid = task.status() == kStopped ? 0 : static_cast<pid_t>(task.pid());
    places_[key] = {space, task.id(), pid};
    listing.items.push_back({key, std::to_string(pid)});
  });
  return {};
}

SessionSource::Fetched ContainerdSource::Fetch(const std::string& key) {
  const auto place = places_.find(key);
  if (place == places_.end()) return std::nullopt;
  containerd::ContainerRequest request;
  request.set_id(place->second.id);
  containerd::ContainerAnswer answer;
  const Outcome told = Call("containers.v1.Containers/Get", request, place->second.space, answer);
  if (!told && told.error().grpc_status == kGrpcNotFound) return std::nullopt;
  if (!told) return tl::unexpected(told.error());
  if (answer.container().id() != place->second.id) {
    return tl::unexpected(OddAnswer("another container than asked for"));
  }
  if (answer.container().labels().contains(std::string(kCriKind))) return std::nullopt;
  return Understand(place->second, answer.container());
}

Container ContainerdSource::Understand(const Place& place,
                                       const containerd::ContainerAnswer::Container& told) {
  constexpr const char* kNerdctlName = "nerdctl/name";
  Container container;
  container.id = KeyOf(place.space, place.id);
  container.runtime = options().runtime;
  container.labels.insert(told.labels().begin(), told.labels().end());
  BoundLabels(container.labels);
  const auto named = container.labels.find(kNerdctlName);
  container.name = named != container.labels.end() ? named->second : place.id;
  container.image = ParseImage(told.image());
  if (container.image.digest.empty()) container.image.digest = Digest(place, told.image());
  container.created_ns =
      static_cast<uint64_t>(std::max<int64_t>(told.created_at().seconds(), 0)) * 1'000'000'000 +
      static_cast<uint64_t>(std::max(told.created_at().nanos(), 0));
  container.init_pid = place.pid;
  container.started_ns = ProcessStartNs(place.pid);
  OciSpec spec = ParseOciSpec(told.spec().value());
  container.privileged = spec.privileged;
  container.mounts = std::move(spec.mounts);
  TakePod(container);
  return container;
}

const std::string& ContainerdSource::Digest(const Place& place, const std::string& image) {
  const std::string key = place.space + "\n" + image;
  if (const auto found = digests_.find(key); found != digests_.end()) return found->second;
  if (digests_.size() >= kImagesMax) digests_.clear();
  containerd::ImageRequest request;
  request.set_name(image);
  containerd::ImageAnswer answer;
  if (!image.empty()) (void)Call("images.v1.Images/Get", request, place.space, answer);
  return digests_[key] = answer.image().target().digest();
}

Outcome ContainerdSource::Handle(const std::string& message) {
  Envelope envelope;
  if (!envelope.ParseFromString(message)) {
    return tl::unexpected(OddAnswer(options().socket + ": an event that cannot be read"));
  }
  if (envelope.namespace_() == kDockers) return {};
  const std::string& topic = envelope.topic();
  const std::string& bytes = envelope.event().value();
  if (topic == "/tasks/create") {
    containerd::TaskCreateEvent event;
    if (event.ParseFromString(bytes))
      return TaskHas(envelope.namespace_(), event.container_id(), event.pid());
  } else if (topic == "/tasks/start") {
    containerd::TaskEvent event;
    if (event.ParseFromString(bytes))
      return TaskHas(envelope.namespace_(), event.container_id(), event.pid());
  } else {
    containerd::ContainerEvent event;
    if (!event.ParseFromString(bytes)) return {};
    const std::string key = KeyOf(envelope.namespace_(), event.id());
    if (topic == "/containers/update") return Knows(key) ? Inspect(key) : Outcome();
    Remove(key);
  }
  return {};
}

Outcome ContainerdSource::TaskHas(const std::string& space, const std::string& id, uint32_t pid) {
  const std::string key = KeyOf(space, id);
  if (!IsDigits(id)) TellNameless();
  Place& place = places_[key];
  if (Knows(key) && place.pid == static_cast<pid_t>(pid)) return {};
  place = {space, id, static_cast<pid_t>(pid)};
  return Inspect(key);
}

}  // namespace

std::unique_ptr<Source> MakeContainerdSource(SourceOptions options, ChangeHandler handler) {
  return std::make_unique<ContainerdSource>(std::move(options), std::move(handler));
}

}  // namespace nsw::container
