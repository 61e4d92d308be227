"""The schemas of nflverse's files: every column's name and type, in upstream's order.

Names and types only, as upstream publishes them; a test holds them equal to real files. A marker such as `%f` gives
the type of the names after it: s text, f float, i and l whole numbers (32 and 64 bit), d date, n no value at all.
"""

from __future__ import annotations

import polars as pl

_TYPES: dict[str, pl.DataType] = {
    "s": pl.String(),
    "f": pl.Float64(),
    "i": pl.Int32(),
    "l": pl.Int64(),
    "d": pl.Date(),
    "n": pl.Null(),
}


def _schema(text: str) -> dict[str, pl.DataType]:
    schema: dict[str, pl.DataType] = {}
    current: pl.DataType = pl.String()
    for word in text.split():
        if word.startswith("%"):
            current = _TYPES[word[1:]]
        else:
            schema[word] = current
    return schema


SCHEDULES = _schema("""
%s game_id %i season %s game_type %i week %s gameday weekday gametime away_team %i away_score %s home_team %i
home_score %s location %i result total overtime %l old_game_id %f gsis %s nfl_detail_id pfr %f pff %l espn %f ftn %i
away_rest home_rest away_moneyline home_moneyline %f spread_line away_spread_odds home_spread_odds total_line
under_odds over_odds %i div_game %s roof surface %f temp wind %s away_qb_id home_qb_id away_qb_name home_qb_name
away_coach home_coach referee stadium_id stadium
""")

ROSTERS = _schema("""
%i season %s team position depth_chart_position %i jersey_number %s status full_name first_name last_name %d
birth_date %f height %i weight %s college gsis_id espn_id sportradar_id yahoo_id rotowire_id pff_id pfr_id
fantasy_data_id sleeper_id %i years_exp %s headshot_url ngs_position %i week %s game_type status_description_abbr
football_name esb_id gsis_it_id smart_id %i entry_year rookie_year %s draft_club %i draft_number
""")

WEEKLY_ROSTERS = _schema("""
%l season %s team position depth_chart_position %i jersey_number %s status full_name first_name last_name %d
birth_date %f height %i weight %s college gsis_id espn_id sportradar_id yahoo_id rotowire_id pff_id pfr_id
fantasy_data_id sleeper_id %f years_exp %s headshot_url ngs_position %l week %s game_type status_description_abbr
football_name esb_id gsis_it_id smart_id %f entry_year %i rookie_year %s draft_club %i draft_number
""")

PLAYS = _schema("""
%f play_id %s game_id old_game_id home_team away_team season_type %i week %s posteam posteam_type defteam
side_of_field %f yardline_100 %s game_date %f quarter_seconds_remaining half_seconds_remaining
game_seconds_remaining %s game_half %f quarter_end drive sp qtr down %i goal_to_go %s time yrdln %f ydstogo ydsnet
%s desc play_type %f yards_gained shotgun no_huddle qb_dropback qb_kneel qb_spike qb_scramble %s pass_length
pass_location %f air_yards yards_after_catch %s run_location run_gap field_goal_result %f kick_distance %s
extra_point_result two_point_conv_result %f home_timeouts_remaining away_timeouts_remaining timeout %s timeout_team
td_team td_player_name td_player_id %f posteam_timeouts_remaining defteam_timeouts_remaining total_home_score
total_away_score posteam_score defteam_score score_differential posteam_score_post defteam_score_post
score_differential_post no_score_prob opp_fg_prob opp_safety_prob opp_td_prob fg_prob safety_prob td_prob
extra_point_prob two_point_conversion_prob ep epa total_home_epa total_away_epa total_home_rush_epa
total_away_rush_epa total_home_pass_epa total_away_pass_epa air_epa yac_epa comp_air_epa comp_yac_epa
total_home_comp_air_epa total_away_comp_air_epa total_home_comp_yac_epa total_away_comp_yac_epa
total_home_raw_air_epa total_away_raw_air_epa total_home_raw_yac_epa total_away_raw_yac_epa wp def_wp home_wp
away_wp wpa vegas_wpa vegas_home_wpa home_wp_post away_wp_post vegas_wp vegas_home_wp total_home_rush_wpa
total_away_rush_wpa total_home_pass_wpa total_away_pass_wpa air_wpa yac_wpa comp_air_wpa comp_yac_wpa
total_home_comp_air_wpa total_away_comp_air_wpa total_home_comp_yac_wpa total_away_comp_yac_wpa
total_home_raw_air_wpa total_away_raw_air_wpa total_home_raw_yac_wpa total_away_raw_yac_wpa punt_blocked
first_down_rush first_down_pass first_down_penalty third_down_converted third_down_failed fourth_down_converted
fourth_down_failed incomplete_pass touchback interception punt_inside_twenty punt_in_endzone punt_out_of_bounds
punt_downed punt_fair_catch kickoff_inside_twenty kickoff_in_endzone kickoff_out_of_bounds kickoff_downed
kickoff_fair_catch fumble_forced fumble_not_forced fumble_out_of_bounds solo_tackle safety penalty tackled_for_loss
fumble_lost own_kickoff_recovery own_kickoff_recovery_td qb_hit rush_attempt pass_attempt sack touchdown
pass_touchdown rush_touchdown return_touchdown extra_point_attempt two_point_attempt field_goal_attempt
kickoff_attempt punt_attempt fumble complete_pass assist_tackle lateral_reception lateral_rush lateral_return
lateral_recovery %s passer_player_id passer_player_name %f passing_yards %s receiver_player_id receiver_player_name
%f receiving_yards %s rusher_player_id rusher_player_name %f rushing_yards %s lateral_receiver_player_id
lateral_receiver_player_name %f lateral_receiving_yards %n lateral_rusher_player_id lateral_rusher_player_name %f
lateral_rushing_yards %n lateral_sack_player_id lateral_sack_player_name %s interception_player_id
interception_player_name %n lateral_interception_player_id lateral_interception_player_name %s
punt_returner_player_id punt_returner_player_name %n lateral_punt_returner_player_id
lateral_punt_returner_player_name %s kickoff_returner_player_name kickoff_returner_player_id %n
lateral_kickoff_returner_player_id lateral_kickoff_returner_player_name %s punter_player_id punter_player_name
kicker_player_name kicker_player_id own_kickoff_recovery_player_id own_kickoff_recovery_player_name
blocked_player_id blocked_player_name tackle_for_loss_1_player_id tackle_for_loss_1_player_name %n
tackle_for_loss_2_player_id tackle_for_loss_2_player_name %s qb_hit_1_player_id qb_hit_1_player_name
qb_hit_2_player_id qb_hit_2_player_name forced_fumble_player_1_team forced_fumble_player_1_player_id
forced_fumble_player_1_player_name %n forced_fumble_player_2_team forced_fumble_player_2_player_id
forced_fumble_player_2_player_name %s solo_tackle_1_team solo_tackle_2_team solo_tackle_1_player_id
solo_tackle_2_player_id solo_tackle_1_player_name solo_tackle_2_player_name assist_tackle_1_player_id
assist_tackle_1_player_name assist_tackle_1_team assist_tackle_2_player_id assist_tackle_2_player_name
assist_tackle_2_team %n assist_tackle_3_player_id assist_tackle_3_player_name assist_tackle_3_team
assist_tackle_4_player_id assist_tackle_4_player_name assist_tackle_4_team %f tackle_with_assist %s
tackle_with_assist_1_player_id tackle_with_assist_1_player_name tackle_with_assist_1_team %n
tackle_with_assist_2_player_id tackle_with_assist_2_player_name tackle_with_assist_2_team %s
pass_defense_1_player_id pass_defense_1_player_name pass_defense_2_player_id pass_defense_2_player_name
fumbled_1_team fumbled_1_player_id fumbled_1_player_name %n fumbled_2_player_id fumbled_2_player_name fumbled_2_team
%s fumble_recovery_1_team %f fumble_recovery_1_yards %s fumble_recovery_1_player_id fumble_recovery_1_player_name %n
fumble_recovery_2_team %f fumble_recovery_2_yards %n fumble_recovery_2_player_id fumble_recovery_2_player_name %s
sack_player_id sack_player_name half_sack_1_player_id half_sack_1_player_name half_sack_2_player_id
half_sack_2_player_name return_team %f return_yards %s penalty_team penalty_player_id penalty_player_name %f
penalty_yards replay_or_challenge %s replay_or_challenge_result penalty_type %f defensive_two_point_attempt
defensive_two_point_conv defensive_extra_point_attempt defensive_extra_point_conv %n safety_player_name
safety_player_id %l season %f cp cpoe series series_success %s series_result %f order_sequence %s start_time
time_of_day stadium weather nfl_api_id play_clock %f play_deleted %s play_type_nfl %f special_teams_play %n
st_play_type %s end_clock_time %n end_yard_line %f fixed_drive %s fixed_drive_result drive_real_start_time %f
drive_play_count %s drive_time_of_possession %f drive_first_downs drive_inside20 drive_ended_with_score
drive_quarter_start drive_quarter_end drive_yards_penalized %s drive_start_transition drive_end_transition
drive_game_clock_start drive_game_clock_end drive_start_yard_line drive_end_yard_line %f drive_play_id_started
drive_play_id_ended %i away_score home_score %s location %i result total %f spread_line total_line %i div_game %s
roof surface %f temp wind %s home_coach away_coach stadium_id game_stadium %f aborted_play success %s passer %f
passer_jersey_number %s rusher %f rusher_jersey_number %s receiver %f receiver_jersey_number pass rush first_down
special play %s passer_id rusher_id receiver_id name %f jersey_number %s id fantasy_player_name fantasy_player_id
fantasy fantasy_id %f out_of_bounds home_opening_kickoff qb_epa xyac_epa xyac_mean_yardage xyac_median_yardage
xyac_success xyac_fd xpass pass_oe
""")
