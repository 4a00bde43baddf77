// SPDX-License-Identifier: Apache-2.0
// HistoryWriter: the Writer that Writer::Open makes; see writer.cc. Nobody else's.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "store/batch.h"
#include "store/fold.h"
#include "store/history.h"
#include "store/history_file.h"

namespace nsw::store {

class HistoryWriter final : public Writer {
 public:
  HistoryWriter(WriterOptions options, std::unique_ptr<HistoryFile> file,
                std::map<std::string, Told> told);
  ~HistoryWriter() override;

  void RecordEvent(const event::Event& event, alert::Verdict verdict,
                   const rule::RuleInfo* rule) override;
  void RecordAlert(const alert::Alert& alert, const event::Event& event) override;
  void RecordOperation(const std::string& what, const std::string& detail, uint32_t uid,
                       uint32_t pid) override;
  void RecordRefusals(const rule::RuleInfo& rule, const Refusals& refusals) override;
  [[nodiscard]] Told ToldOf(const std::string& counter) const override;
  void NameContainer(const container::Binding& binding) override;
  void Flush() override;
  [[nodiscard]] uint64_t Mark() const override;
  [[nodiscard]] bool Written(uint64_t mark) const override;
  [[nodiscard]] WriterStats Stats() const override;

 private:
  // The row of an event recorded not long ago, for the alerts that are made of it.
  struct Recent {
    uint64_t number = 0;
    int64_t row = 0;
  };

  // Caller's side; with the mutex held, except Fold's look-up.
  bool Repeat(FoldTable::Slot& slot, const event::Event& event);
  int64_t AddRow(const event::Event& event, NewRow row, FoldTable::Slot* slot);
  void Note(uint64_t EventCounts::*what, event::Type type, uint64_t events = 1);
  void Await(const event::Event& event);
  bool HasRoom(size_t bytes, bool important);
  void NameRule(const rule::RuleInfo& rule);
  void AddOperation(Operation operation);
  [[nodiscard]] uint64_t LastBatch() const { return current_->empty() ? batch_ - 1 : batch_; }
  void WakeIfFull();

  // Writer's thread.
  void Run();
  bool Take();
  void Write();
  Result<Applied> Apply();
  bool Pause(std::chrono::milliseconds time);
  void Account(const Result<Applied>& applied);
  void Complain(const std::string& what);
  void CheckPlace();
  void Tidy();

  WriterOptions options_;
  const std::map<std::string, Told> told_;  // as the file was opened
  std::unique_ptr<HistoryFile> file_;       // writer's thread

  FoldKey key_;  // these two: the pipeline's thread
  FoldTable table_;

  mutable std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::unique_ptr<Batch> current_ = std::make_unique<Batch>();
  std::unique_ptr<Batch> writing_ = std::make_unique<Batch>();  // writer's thread
  size_t writing_bytes_ = 0;
  uint64_t batch_ = 1;       // number of current_
  uint64_t done_batch_ = 0;  // the last one written or lost
  bool stopping_ = false;
  bool hurry_ = false;   // current_ is to be taken before its time
  bool ailing_ = false;  // the last try failed; the log was told
  LastIds ids_;
  int64_t closed_to_ = 0;  // rows up to this id are gone, or never came to be
  std::array<Recent, 4096> recent_{};
  std::unordered_map<uint32_t, std::string> rules_;
  WriterStats stats_;

  std::thread thread_;
};

}  // namespace nsw::store
