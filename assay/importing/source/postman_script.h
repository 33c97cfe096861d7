#pragma once
// What is recognised of a test script of Postman: checks and saved values, statement by statement.
//
//   pm.test("created", () => { pm.response.to.have.status(201); });        status == 201
//   pm.collectionVariables.set("id", pm.response.json().id);              save { id: body.id }

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/importing/exchange.h"

namespace assay::importing {

struct ScriptMeaning {
  std::vector<std::string> expect;
  Pairs save;                        ///< Postman's name of the variable, CEL
  std::vector<std::string> unknown;  ///< statements that have no translation here
};

/// `variable` gives the CEL expression for a variable that the script reads.
ScriptMeaning ReadTestScript(std::string_view script,
                             const std::function<std::string(std::string_view)>& variable);

}  // namespace assay::importing
