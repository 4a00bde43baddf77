// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/layout.h"

#include <bpf/btf.h>

#include <cstdint>
#include <cstdio>
#include <string_view>

#include "bpf/abi.h"

namespace nsw::kernel {
namespace {

class Layout {
 public:
  explicit Layout(const btf* types) : types_(types) {}

  void Add(uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) Byte(static_cast<uint8_t>(number >> shift));
  }
  void Add(std::string_view text) {
    for (const char c : text) Byte(static_cast<uint8_t>(c));
    Byte(0);
  }
  void AddType(uint32_t id);
  void AddStruct(const char* name, uint32_t kind = BTF_KIND_STRUCT) {
    const int id = btf__find_by_name_kind(types_, name, kind);
    Add(name);
    if (id > 0) AddType(static_cast<uint32_t>(id));
  }
  [[nodiscard]] uint64_t hash() const { return hash_; }

 private:
  void Byte(uint8_t byte) { hash_ = (hash_ ^ byte) * 0x100000001b3; }  // FNV-1a
  void AddMembers(const btf_type* type);
  void AddVariables(const btf_type* section);
  [[nodiscard]] const char* NameOf(uint32_t offset) const {
    return btf__name_by_offset(types_, offset);
  }

  const btf* types_;
  uint64_t hash_ = 0xcbf29ce484222325;
};

void Layout::AddMembers(const btf_type* type) {
  const btf_member* members = btf_members(type);
  for (uint32_t i = 0; i < btf_vlen(type); ++i) {
    Add(NameOf(members[i].name_off));
    Add(btf_member_bit_offset(type, i));
    AddType(members[i].type);
  }
}

void Layout::AddVariables(const btf_type* section) {
  const btf_var_secinfo* places = btf_var_secinfos(section);
  for (uint32_t i = 0; i < btf_vlen(section); ++i) {
    const btf_type* variable = btf__type_by_id(types_, places[i].type);
    Add(NameOf(variable->name_off));
    Add(places[i].offset);
    Add(places[i].size);
  }
}

// What a pointer points at is of no matter: none of the engine's maps has one that means anything
// to another engine.
void Layout::AddType(uint32_t id) {
  const btf_type* type = btf__type_by_id(types_, id);
  while (type != nullptr && (btf_is_mod(type) || btf_is_typedef(type)))
    type = btf__type_by_id(types_, type->type);
  if (type == nullptr || btf_is_void(type)) return;
  Add(btf_kind(type));
  if (btf_is_array(type)) {
    Add(btf_array(type)->nelems);
    return AddType(btf_array(type)->type);
  }
  if (btf_is_datasec(type)) return AddVariables(type);
  if (!btf_is_ptr(type)) Add(type->size);
  if (btf_is_composite(type)) AddMembers(type);
}

// Records wait in a ring that is pinned: those of any event that can be refused.
void AddRecords(Layout& layout) {
#define EVENT(NAME, name, ...) \
  layout.Add(#name);           \
  layout.Add(sizeof(nsw_event_##name));
#define FIELD(kind, name, ...) layout.Add(#kind " " #name);
#define END
#include "bpf/events.def"
  layout.Add(sizeof(nsw_header));
}

}  // namespace

std::string LayoutOf(const bpf_object* object, std::span<const char* const> maps,
                     std::span<const char* const> structs) {
  Layout layout(bpf_object__btf(object));
  for (const uint64_t number :
       {uint64_t{NSW_PIN_VERSION}, uint64_t{NSW_EVENT_COUNT}, uint64_t{NSW_CLASS_COUNT},
        uint64_t{NSW_OPERATION_COUNT}, uint64_t{NSW_SYSCALL_COUNT}})
    layout.Add(number);
  for (const char* name : maps) {
    const bpf_map* map = bpf_object__find_map_by_name(object, name);
    layout.Add(name);
    if (map == nullptr) continue;
    layout.Add(bpf_map__type(map));
    layout.AddType(bpf_map__btf_key_type_id(map));
    layout.AddType(bpf_map__btf_value_type_id(map));
  }
  for (const char* name : structs) layout.AddStruct(name);
  AddRecords(layout);
  layout.AddStruct(".bss", BTF_KIND_DATASEC);
  char text[17];
  snprintf(text, sizeof text, "%016lx", layout.hash());
  return text;
}

}  // namespace nsw::kernel
