#include "montage/analysis/artifacts/component_rules.h"
