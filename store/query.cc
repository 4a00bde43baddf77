// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/base/clock.h"
#include "store/history.h"
#include "store/match.h"
#include "store/reader.h"
#include "store/select.h"
#include "store/sql.h"

namespace nsw::store {
namespace {

constexpr size_t kPage = 4096;

// A database open for one query, with what its functions compare.
struct Session {
  std::unique_ptr<AddressFilter> address = std::make_unique<AddressFilter>();
  Database database;
};

Result<Session> Begin(const std::filesystem::path& path, const Filter& filter) {
  Session session;
  if (!filter.address.empty()) {
    const auto address = ParseAddressFilter(filter.address);
    if (!address) return tl::unexpected(address.error());
    *session.address = *address;
  }
  if (!filter.verdict.empty() && filter.verdict != "denied" && filter.verdict != "killed" &&
      filter.verdict != "would_deny") {
    return Fail("'" + filter.verdict + "' is no verdict; give denied, killed or would_deny");
  }
  if (!filter.event.empty()) {
    if (auto known = CheckEventFilter(filter.event); !known) return tl::unexpected(known.error());
  }
  auto database = OpenForReading(path);
  if (!database) return tl::unexpected(database.error());
  session.database = std::move(*database);
  if (auto done = AddFunctions(session.database, session.address.get()); !done) {
    return tl::unexpected(done.error());
  }
  return session;
}

struct Page {
  std::vector<Row> rows;
  Cursor end;
};

Result<Page> Read(Database& database, const Select& select) {
  auto statement = database.Prepare(select.sql);
  if (!statement) return tl::unexpected(statement.error());
  select.Bind(*statement);
  Page page;
  for (;;) {
    const auto row = statement->Step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return page;
    page.rows.push_back(ReadRow(*statement));
    page.end = ReadCursor(*statement);
  }
}

Status VisitPages(Database& database, Filter filter, const std::function<bool(const Row&)>& visit) {
  // What is written from now on is not read: the end must come.
  if (!filter.until_ns) filter.until_ns = SystemClock().RealNs();
  Cursor cursor;
  for (;;) {
    const auto page = Read(database, NextRows(filter, cursor, kPage));
    if (!page) return tl::unexpected(page.error());
    for (const Row& row : page->rows) {
      if (!visit(row)) return {};
    }
    if (page->rows.size() < kPage) return {};
    cursor = page->end;
  }
}

}  // namespace

Result<std::vector<Row>> Query(const std::filesystem::path& path, const Filter& filter) {
  std::vector<Row> rows;
  const auto collect = [&](const Row& row) {
    rows.push_back(row);
    return true;
  };
  if (auto done = Visit(path, filter, collect); !done) return tl::unexpected(done.error());
  return rows;
}

Status Visit(const std::filesystem::path& path, const Filter& filter,
             const std::function<bool(const Row&)>& visit) {
  auto session = Begin(path, filter);
  if (!session) return tl::unexpected(session.error());
  if (filter.limit == 0) return VisitPages(session->database, filter, visit);
  auto page = Read(session->database, NewestRows(filter, filter.limit));
  if (!page) return tl::unexpected(page.error());
  std::ranges::reverse(page->rows);
  for (const Row& row : page->rows) {
    if (!visit(row)) break;
  }
  return {};
}

}  // namespace nsw::store
