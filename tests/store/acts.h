// SPDX-License-Identifier: Apache-2.0
// For tests of the history: records as the kernel would write them, decoded and bound, and files in
// a folder of their own.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/event/address.h"
#include "engine/event/event.h"
#include "store/history.h"

namespace nsw::store {

inline constexpr uint64_t kNoon = 1'767'268'800'000'000'000;  // 2026-01-01T12:00:00Z
inline constexpr uint64_t kSecond = 1'000'000'000;

/// One act, changed by its methods and decoded by event(), which is valid until the next change.
class Act {
 public:
  explicit Act(event::Type type) {
    words_.resize(event::Info(type).size / 8);
    header().type = static_cast<uint16_t>(type);
    header().home = 0x100000001;
    header().pid = 100;
    header().ppid = 1;
    std::strcpy(header().comm, "comm");
    process_ = {.pid = 100, .name = "nginx", .exepath = "/usr/sbin/nginx", .cmdline = "nginx -g"};
    parent_ = {.pid = 1, .name = "sh", .exepath = "/bin/sh"};
    binding_.home = header().home;
    binding_.container = {.id = std::string(64, 'a'), .name = "web", .runtime = "docker"};
    binding_.container.image = container::ParseImage("nginx:1.25");
    At(kNoon);
  }
  static Act Open(std::string_view path) {
    Act act(event::Type::k_open);
    act.header().syscall = NSW_SYSCALL_openat;
    return act.Text("path", path);
  }
  static Act Connect(std::string_view address, uint16_t port) {
    Act act(event::Type::k_connect);
    act.as<nsw_event_connect>().remote = *event::ParseAddress(address);
    act.as<nsw_event_connect>().remote_port = port;
    return act;
  }

  nsw_header& header() { return *reinterpret_cast<nsw_header*>(words_.data()); }
  template <typename Struct>
  Struct& as() {
    return *reinterpret_cast<Struct*>(words_.data());
  }
  event::Process& process() { return process_; }
  container::Container& container() { return binding_.container; }
  container::Binding& binding() { return binding_; }

  Act& At(uint64_t real_ns) {
    time_ns_ = real_ns;
    return *this;
  }
  /// Sets a text by its name in events.def; a path as people write it.
  Act& Text(std::string_view name, std::string_view text) {
    for (const event::RecordField& field : event::RecordFields()) {
      if (static_cast<uint16_t>(field.event) != header().type || field.name != name) continue;
      const bool path = field.encoding == event::Encoding::PATH;
      Append(field.offset, path ? LeafFirst(text) : std::string(text));
      return *this;
    }
    ADD_FAILURE() << "no field " << name;
    return *this;
  }

  const event::Event& event() {
    header().size = static_cast<uint32_t>(words_.size() * 8);
    EXPECT_EQ(event::Decode(std::as_bytes(std::span(words_)), event_), event::DecodeError::kNone);
    event_.process = &process_;
    event_.parent = &parent_;
    event_.binding = &binding_;
    event_.number = ++number_;
    event_.real_time_ns = time_ns_;
    return event_;
  }

 private:
  static std::string LeafFirst(std::string_view path) {
    std::string out;
    while (path.size() > 1) {
      const size_t slash = path.rfind('/');
      out.append(path.substr(slash + 1)).append("/");
      path = path.substr(0, slash);
    }
    return out;
  }
  void Append(uint16_t field, const std::string& text) {
    const nsw_str where{static_cast<uint16_t>(words_.size() * 8),
                        static_cast<uint16_t>(text.size())};
    words_.resize(words_.size() + (text.size() + 7) / 8);
    std::memcpy(reinterpret_cast<char*>(words_.data()) + where.off, text.data(), text.size());
    std::memcpy(reinterpret_cast<char*>(words_.data()) + field, &where, sizeof where);
  }

  inline static uint64_t number_ = 0;
  std::vector<uint64_t> words_;
  event::Process process_, parent_;
  container::Binding binding_;
  event::Event event_;
  uint64_t time_ns_ = 0;
};

/// A folder that goes with the test, and a history in it.
class HistoryTest : public testing::Test {
 protected:
  HistoryTest() {
    std::string name = (std::filesystem::temp_directory_path() / "nswarden-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    options_.path = folder_ / "history.db";
    options_.retention_ns = ~0ULL >> 1;  // the acts of tests are old
  }
  ~HistoryTest() override {
    writer_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Open() {
    auto writer = Writer::Open(options_);
    ASSERT_TRUE(writer) << writer.error().message;
    writer_ = std::move(*writer);
  }
  void Record(Act act, alert::Verdict verdict = alert::Verdict::kNone,
              const rule::RuleInfo* rule = nullptr) {
    writer_->RecordEvent(act.event(), verdict, rule);
  }
  std::vector<Row> Rows(const Filter& filter = {}) {
    if (writer_ != nullptr) writer_->Flush();
    auto rows = Query(options_.path, filter);
    EXPECT_TRUE(rows) << rows.error().message;
    return rows ? *rows : std::vector<Row>{};
  }
  /// Recorded equals what became of it.
  void ExpectBalance() {
    const WriterStats s = writer_->Stats();
    EXPECT_EQ(s.recorded, s.stored + s.pending + s.lost_queue + s.lost_error);
    EventCounts sum;
    for (const EventCounts& of : s.by_type) {
      EXPECT_EQ(of.recorded, of.stored + of.pending + of.lost_queue + of.lost_error);
      sum.recorded += of.recorded;
      sum.stored += of.stored;
      sum.lost_queue += of.lost_queue;
      sum.lost_error += of.lost_error;
    }
    EXPECT_EQ(sum.recorded, s.recorded);
    EXPECT_EQ(sum.stored, s.stored);
    EXPECT_EQ(sum.lost_queue, s.lost_queue);
    EXPECT_EQ(sum.lost_error, s.lost_error);
    EXPECT_EQ(s.alerts_recorded,
              s.alerts_stored + s.alerts_pending + s.alerts_lost_queue + s.alerts_lost_error);
  }

  std::filesystem::path folder_;
  WriterOptions options_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace nsw::store
