// SPDX-License-Identifier: Apache-2.0
#include "store/sql.h"

#include <utility>

namespace nsw::store {
namespace {

tl::unexpected<Error> FailSql(sqlite3* handle) {
  std::string message = sqlite3_errmsg(handle);
  const int code = sqlite3_system_errno(handle);
  if (code != 0 && sqlite3_errcode(handle) != SQLITE_BUSY) {
    message = FailErrno(message, code).value().message;
  }
  return Fail(std::move(message));
}

// SQLite keeps statistics of its memory under a lock that costs a tenth of the time of an insert,
// and nobody reads them. It must be told before it is first used.
void Configure() {
  static const int once = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  (void)once;
}

}  // namespace

Statement& Statement::Put(int64_t value) {
  sqlite3_bind_int64(statement_.get(), next_++, value);
  return *this;
}

Statement& Statement::Put(std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();  // a null pointer would be NULL
  sqlite3_bind_text64(statement_.get(), next_++, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::PutNull() {
  sqlite3_bind_null(statement_.get(), next_++);
  return *this;
}

Status Statement::Run() {
  const int code = sqlite3_step(statement_.get());
  Status status;
  if (code != SQLITE_DONE && code != SQLITE_ROW) {
    status = FailSql(sqlite3_db_handle(statement_.get()));
  }
  Reset();
  return status;
}

Result<bool> Statement::Step() {
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return FailSql(sqlite3_db_handle(statement_.get()));
  }
}

void Statement::Reset() {
  sqlite3_reset(statement_.get());
  next_ = 1;
}

int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string_view Statement::Text(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);  // bytes as they are
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<size_t>(size)};
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

Result<Database> Database::Open(const std::string& uri, int flags) {
  Configure();
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(uri.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database;
  database.handle_.reset(handle);
  if (handle == nullptr) return Fail("out of memory");
  if (code != SQLITE_OK) return FailSql(handle);
  return database;
}

Status Database::Exec(const char* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return FailSql(handle_.get());
}

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  Statement out;
  out.statement_.reset(statement);
  if (code != SQLITE_OK) return FailSql(handle_.get());
  return out;
}

Result<int64_t> Database::Number(std::string_view sql) {
  auto statement = Prepare(sql);
  if (!statement) return tl::unexpected(statement.error());
  const auto row = statement->Step();
  if (!row) return tl::unexpected(row.error());
  return *row ? statement->Int(0) : 0;
}

bool IsCorrupt(int code) { return code == SQLITE_CORRUPT || code == SQLITE_NOTADB; }

std::string FileUri(const std::filesystem::path& path, std::string_view parameters) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : std::filesystem::absolute(path).string()) {
    if (c == '%' || c == '?' || c == '#' || static_cast<unsigned char>(c) <= ' ') {
      uri += '%';
      uri += kHex[static_cast<unsigned char>(c) >> 4];
      uri += kHex[static_cast<unsigned char>(c) & 15];
    } else {
      uri += c;
    }
  }
  return uri.append("?").append(parameters);
}

}  // namespace nsw::store
