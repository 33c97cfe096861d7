#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/checker/checkers.h"
#include "assay/checker/numbers.h"

namespace assay::checker {
namespace {

using Accounts = std::set<std::string>;

class Bank {
 public:
  explicit Bank(const BankOptions& options)
      : options_(options),
        findings_(options.witnesses,
                  {"reads", "transfers", "wrong_total", "negative", "wrong_accounts"}) {
    if (options.total) expected_ = *options.total;
  }

  CheckResult Check(std::span<const Operation> operations) {
    for (const Operation& operation : operations) {
      if (operation.op == "transfer" && operation.acknowledged()) findings_.Count("transfers");
      if (operation.op == "read" && operation.acknowledged()) Read(operation);
    }
    if (!first_) findings_.Inconclusive("no acknowledged read: the balances are not known");
    return std::move(findings_).Finish();
  }

 private:
  void Read(const Operation& read) {
    findings_.Count("reads");
    if (!read.value.is_map() || read.value.map().empty()) {
      findings_.Inconclusive(fmt::format("{} gave {}, expected a map from account to balance",
                                         read.path, Show(read.value)));
      return;
    }
    WideInt total = 0;
    Accounts accounts;
    for (const auto& [key, value] : read.value.map().entries()) {
      const auto balance = WholeOf(value);
      if (!balance) {
        findings_.Inconclusive(fmt::format("{} gave {} for {}, expected a whole balance", read.path,
                                           Show(value), Show(key)));
        return;
      }
      total += *balance;
      accounts.insert(Show(key));
      if (*balance < 0 && !options_.negative_allowed) {
        findings_.Fail("negative", Show(key),
                       fmt::format("{} stood at {} in {}", Show(key), *balance, read.path),
                       {&read});
      }
    }
    Compare(read, total, std::move(accounts));
  }

  void Compare(const Operation& read, WideInt total, Accounts accounts) {
    if (!first_) {
      first_ = &read;
      accounts_ = accounts;
      if (!expected_) expected_ = total;
    }
    if (accounts != accounts_) {
      findings_.Fail(
          "wrong_accounts", read.path,
          fmt::format("{} saw the accounts {}, {} saw {}", read.path, fmt::join(accounts, ", "),
                      first_->path, fmt::join(accounts_, ", ")),
          {first_, &read});
    }
    if (total != *expected_) {
      findings_.Fail("wrong_total", read.path,
                     fmt::format("the balances of {} sum to {}, expected {}", read.path,
                                 ShowWide(total), ShowWide(*expected_)),
                     {first_, &read});
    }
  }

  const BankOptions& options_;
  Findings findings_;
  const Operation* first_ = nullptr;
  Accounts accounts_;
  std::optional<WideInt> expected_;
};

}  // namespace

CheckResult CheckBank(std::span<const Operation> operations, const BankOptions& options) {
  return Bank(options).Check(operations);
}

}  // namespace assay::checker
