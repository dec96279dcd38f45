package report

// comparisonWords are the texts of comparisons.
var comparisonWords = map[string]word{
	"comparison":          {"Comparison of runs", "运行对比"},
	"base":                {"base", "基准"},
	"new":                 {"new", "新"},
	"series":              {"run", "运行"},
	"change":              {"change", "变化"},
	"interval":            {"%s interval", "%s 置信区间"},
	"run noise":           {"noise between runs", "运行间波动"},
	"difference":          {"difference", "差异"},
	"conditions":          {"Conditions", "条件"},
	"rows by verdict":     {"what came out", "结论"},
	"only in the base":    {"Only in the base:", "仅在基准中："},
	"only in the new one": {"Only in the new one:", "仅在新运行中："},
	"title compared":      {"%s over throughput, before and after", "%s 与吞吐量（前后对比）"},
	"how compared": {
		"%s confidence, block bootstrap with %d resamples and seed %d. The interval is that of a row by itself; the verdicts make allowance for the number of rows.",
		"置信度 %s，分块自助法，重采样 %d 次，种子 %d。区间针对单行；结论已考虑多重比较。",
	},

	"verdict better":              {"better", "变好"},
	"verdict worse":               {"worse", "变差"},
	"verdict differs":             {"differs", "有变化"},
	"verdict the same":            {"the same", "相同"},
	"verdict none shown":          {"none shown", "未见差异"},
	"verdict no difference shown": {"no difference shown", "未见差异"},
	"verdict too few":             {"too few", "样本不足"},
	"verdict no interval":         {"no interval", "无区间"},
	"verdict not comparable":      {"not comparable", "不可比"},
}
