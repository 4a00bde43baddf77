// SPDX-License-Identifier: Apache-2.0
// container.*, k8s.*: whose process it is. A process of the host has container.id "host", as in
// Falco, and no other of these. Until a runtime has spoken its fields are unknown; when it is clear
// that none will, they are absent.
#include "engine/event/field_table.h"

namespace nsw::event {
namespace {

using container::Binding;
using container::Container;

// What is known of the container by `read`, in three values.
template <typename Read>
Value Metadata(const Event& e, Read read) {
  if (e.binding == nullptr) return Value::Absent();
  if (!e.binding->settled) return Value::Unknown();
  if (!e.binding->container.known()) return Value::Absent();
  return read(e.binding->container);
}

template <auto Member>
Value Text(const Field&, const Event& e, uint32_t, Scratch&) {
  return Metadata(e, [](const Container& c) { return TextOrAbsent(c.*Member); });
}

// One of the labels, by its key.
template <auto Labels>
Value Label(const Field&, const Event& e, uint32_t key, Scratch&) {
  return Metadata(e, [key](const Container& c) {
    const auto found = (c.*Labels).find(KeyOf(key));
    return found == (c.*Labels).end() ? Value::Absent() : Value::Text(found->second);
  });
}

template <auto Member>
Value ImageText(const Field&, const Event& e, uint32_t, Scratch&) {
  return Metadata(e, [](const Container& c) { return TextOrAbsent(c.image.*Member); });
}

// A container of no known runtime has an id and a name of the engine's making, which are known from
// the start.
Value Identity(const Event& e, std::string_view of_host,
               std::string_view (*read)(const Container&)) {
  if (e.binding == nullptr) return TextOrAbsent(of_host);
  if (!e.binding->settled) return Value::Unknown();
  return TextOrAbsent(read(e.binding->container));
}

Value Time(uint64_t ns) {
  return ns == 0 ? Value::Absent() : Value::Number(static_cast<int64_t>(ns));
}

const Field kRows[] = {
    {"container.id", FieldType::kString,
     [](NSW_GETTER) {
       return Identity(e, "host", [](const Container& c) { return c.short_id(); });
     },
     "first 12 digits of the container's id; host for the host's own processes"},
    {"container.full_id", FieldType::kString,
     [](NSW_GETTER) {
       return Identity(e, "", [](const Container& c) { return std::string_view(c.id); });
     },
     "the container's whole id"},
    {"container.name", FieldType::kString,
     [](NSW_GETTER) {
       return Identity(e, "host", [](const Container& c) { return std::string_view(c.name); });
     },
     "the container's name; nested ones are outer/inner"},
    {"container.type", FieldType::kString,
     [](NSW_GETTER) {
       return e.binding == nullptr
                  ? Value::Text("host")
                  : Metadata(e, [](const Container& c) { return Value::Text(c.runtime); });
     },
     "the runtime: docker, containerd, cri-o, podman; host"},
    {"container.image", FieldType::kString, ImageText<&container::Image::reference>,
     "the image reference given at create"},
    {.name = "container.image.repository",
     .type = FieldType::kString,
     .get =
         [](NSW_GETTER) {
           return Metadata(e, [](const Container& c) {
             return TextOrAbsent(container::FamiliarName(c.image.repository));
           });
         },
     .doc = "repository as Docker shows it: nginx, registry.corp:5000/web",
     .form = container::FamiliarName},
    {"container.image.tag", FieldType::kString, ImageText<&container::Image::tag>,
     "tag, if one was given"},
    {"container.image.digest", FieldType::kString, ImageText<&container::Image::digest>,
     "sha256:..., if known"},
    {"container.privileged", FieldType::kBool,
     [](NSW_GETTER) {
       return Metadata(e, [](const Container& c) {
         return c.privileged ? Value::Number(*c.privileged) : Value::Absent();
       });
     },
     "started with all privileges"},
    {"container.ip", FieldType::kString, Text<&Container::ip>, "its address, if it has its own"},
    {"container.mounts", FieldType::kString, Text<&Container::mounts>,
     "files of the host: SOURCE:DEST:MODE:RW:PROPAGATION, with spaces between"},
    {.name = "container.label",
     .type = FieldType::kString,
     .get = Label<&Container::labels>,
     .doc = "a label: container.label[app]",
     .keyed = true},
    {"container.labels", FieldType::kString, Text<&Container::labels_text>,
     "all of them: app:web,tier:front"},
    {"container.start_ts", FieldType::kNumber,
     [](NSW_GETTER) {
       if (e.binding != nullptr && e.binding->init_start_ns != 0)
         return Time(e.binding->init_start_ns);
       return Metadata(e, [](const Container& c) { return Time(c.started_ns); });
     },
     "when its init process started: ns since 1970; from the kernel, and where that does not know, "
     "its runtime"},
    {"k8s.ns.name", FieldType::kString, Text<&Container::k8s_namespace>, "Kubernetes namespace"},
    {"k8s.pod.name", FieldType::kString, Text<&Container::k8s_pod>, "Kubernetes pod"},
    {"k8s.pod.uid", FieldType::kString, Text<&Container::k8s_pod_uid>, "Kubernetes pod uid"},
    {.name = "k8s.pod.label",
     .type = FieldType::kString,
     .get = Label<&Container::pod_labels>,
     .doc = "a label of the pod: k8s.pod.label[app]",
     .keyed = true},
    {"k8s.pod.labels", FieldType::kString, Text<&Container::pod_labels_text>,
     "all of them: app:web,tier:front"}};

}  // namespace

std::span<const Field> ContainerFields() { return kRows; }

}  // namespace nsw::event
