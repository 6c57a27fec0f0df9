-- The tables of an ActionKit, by the names its SQL reports use. Times are text, "YYYY-MM-DD HH:MM:SS", UTC.
-- Names and columns as in copies of its warehouse; those of the usergroups and of the simulator itself are ours.

CREATE TABLE core_user (
  id INTEGER PRIMARY KEY, email TEXT NOT NULL COLLATE NOCASE UNIQUE, prefix TEXT NOT NULL DEFAULT '',
  first_name TEXT COLLATE NOCASE NOT NULL DEFAULT '', middle_name TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  last_name TEXT COLLATE NOCASE NOT NULL DEFAULT '', suffix TEXT NOT NULL DEFAULT '',
  password TEXT NOT NULL DEFAULT '', subscription_status TEXT NOT NULL DEFAULT 'never',
  address1 TEXT NOT NULL DEFAULT '', address2 TEXT NOT NULL DEFAULT '', city TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  state TEXT COLLATE NOCASE NOT NULL DEFAULT '', region TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  postal TEXT NOT NULL DEFAULT '', zip TEXT NOT NULL DEFAULT '', plus4 TEXT NOT NULL DEFAULT '',
  country TEXT COLLATE NOCASE NOT NULL DEFAULT 'United States', source TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  lang_id INTEGER DEFAULT 100, rand_id INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX core_user_updated ON core_user (updated_at);
CREATE INDEX core_user_created ON core_user (created_at);

CREATE TABLE core_userfield (
  id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, action_id INTEGER,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX core_userfield_parent ON core_userfield (parent_id);
CREATE INDEX core_userfield_updated ON core_userfield (updated_at);

CREATE TABLE core_alloweduserfield (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, display_name TEXT NOT NULL DEFAULT '',
  field_type TEXT NOT NULL DEFAULT 'string', field_default TEXT NOT NULL DEFAULT '',
  field_choices TEXT NOT NULL DEFAULT '', field_length INTEGER, field_regex TEXT NOT NULL DEFAULT '',
  allow_multiple INTEGER NOT NULL DEFAULT 0, always_show INTEGER NOT NULL DEFAULT 0,
  required INTEGER NOT NULL DEFAULT 0, hidden INTEGER NOT NULL DEFAULT 0, order_index INTEGER NOT NULL DEFAULT 0,
  description TEXT NOT NULL DEFAULT '', created_at TEXT NOT NULL, updated_at TEXT NOT NULL);

CREATE TABLE core_phone (
  id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, type TEXT COLLATE NOCASE NOT NULL, phone TEXT NOT NULL,
  normalized_phone TEXT NOT NULL, source TEXT NOT NULL DEFAULT 'user',
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX core_phone_user ON core_phone (user_id);
CREATE INDEX core_phone_updated ON core_phone (updated_at);
CREATE INDEX core_phone_number ON core_phone (normalized_phone);

CREATE TABLE core_list (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, notes TEXT NOT NULL DEFAULT '', hidden INTEGER NOT NULL DEFAULT 0,
  is_default INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE core_subscription (
  id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, list_id INTEGER NOT NULL,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL, UNIQUE (user_id, list_id));
CREATE TABLE core_subscriptionchangetype (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, description TEXT NOT NULL, subscribed INTEGER NOT NULL);
CREATE TABLE core_subscriptionhistory (
  id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, list_id INTEGER NOT NULL, change_id INTEGER NOT NULL,
  action_id INTEGER, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX core_subscriptionhistory_user ON core_subscriptionhistory (user_id);
CREATE INDEX core_subscriptionhistory_created ON core_subscriptionhistory (created_at);

CREATE TABLE core_page (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT NOT NULL DEFAULT '', type TEXT NOT NULL,
  url TEXT NOT NULL DEFAULT '', hidden INTEGER NOT NULL DEFAULT 0, list_id INTEGER, language_id INTEGER DEFAULT 100,
  goal INTEGER, goal_type TEXT NOT NULL DEFAULT 'actions', notes TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL DEFAULT 'active', recognize TEXT NOT NULL DEFAULT 'once',
  allow_multiple_responses INTEGER NOT NULL DEFAULT 1, never_spam_check INTEGER NOT NULL DEFAULT 0,
  one_click INTEGER NOT NULL DEFAULT 0, multilingual_campaign_id INTEGER, campaign_id INTEGER,
  payment_account TEXT NOT NULL DEFAULT '', required_fields TEXT NOT NULL DEFAULT '[]',
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE core_pagefield (
  id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL);
CREATE TABLE core_page_tags (page_id INTEGER NOT NULL, tag_id INTEGER NOT NULL, PRIMARY KEY (page_id, tag_id));
CREATE TABLE core_page_groups (page_id INTEGER NOT NULL, group_id INTEGER NOT NULL, PRIMARY KEY (page_id, group_id));
CREATE TABLE core_pagefollowup (
  id INTEGER PRIMARY KEY, page_id INTEGER NOT NULL UNIQUE, url TEXT NOT NULL DEFAULT '',
  send_email INTEGER NOT NULL DEFAULT 0, send_confirmation INTEGER NOT NULL DEFAULT 0,
  send_taf INTEGER NOT NULL DEFAULT 0, send_notifications INTEGER NOT NULL DEFAULT 0,
  send_pushes INTEGER NOT NULL DEFAULT 0, send_texts INTEGER NOT NULL DEFAULT 0,
  email_subject TEXT NOT NULL DEFAULT '', email_body TEXT NOT NULL DEFAULT '',
  taf_subject TEXT NOT NULL DEFAULT '', taf_body TEXT NOT NULL DEFAULT '',
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);

CREATE TABLE core_action (
  id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, page_id INTEGER NOT NULL, type TEXT NOT NULL, mailing_id INTEGER,
  source TEXT COLLATE NOCASE NOT NULL DEFAULT '', link INTEGER, opq_id TEXT NOT NULL DEFAULT '',
  created_user INTEGER NOT NULL DEFAULT 0, subscribed_user INTEGER NOT NULL DEFAULT 0, referring_user_id INTEGER,
  referring_mailing_id INTEGER, taf_emails_sent INTEGER, status TEXT NOT NULL DEFAULT 'complete',
  ip_address TEXT, is_forwarded INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX core_action_user ON core_action (user_id);
CREATE INDEX core_action_page ON core_action (page_id);
CREATE INDEX core_action_created ON core_action (created_at);
CREATE INDEX core_action_updated ON core_action (updated_at);
CREATE TABLE core_actionfield (
  id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL);
CREATE INDEX core_actionfield_parent ON core_actionfield (parent_id);
CREATE INDEX core_actionfield_name ON core_actionfield (name, value);

CREATE TABLE core_order (
  id INTEGER PRIMARY KEY, action_id INTEGER NOT NULL, user_id INTEGER NOT NULL, user_detail_id INTEGER,
  shipping_address_id INTEGER, account TEXT NOT NULL, payment_method TEXT NOT NULL DEFAULT 'cc',
  card_num_last_four TEXT NOT NULL DEFAULT '', import_id TEXT, currency TEXT NOT NULL DEFAULT 'USD',
  total TEXT NOT NULL, total_converted TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'completed',
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX core_order_user ON core_order (user_id);
CREATE INDEX core_order_action ON core_order (action_id);
CREATE INDEX core_order_import ON core_order (import_id);
CREATE TABLE core_order_user_detail (
  id INTEGER PRIMARY KEY, email TEXT NOT NULL DEFAULT '', prefix TEXT NOT NULL DEFAULT '',
  first_name TEXT NOT NULL DEFAULT '', middle_name TEXT NOT NULL DEFAULT '', last_name TEXT NOT NULL DEFAULT '',
  suffix TEXT NOT NULL DEFAULT '', address1 TEXT NOT NULL DEFAULT '', address2 TEXT NOT NULL DEFAULT '',
  city TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT '', region TEXT NOT NULL DEFAULT '',
  postal TEXT NOT NULL DEFAULT '', zip TEXT NOT NULL DEFAULT '', plus4 TEXT NOT NULL DEFAULT '',
  country TEXT NOT NULL DEFAULT '', source TEXT NOT NULL DEFAULT '', created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE core_order_shipping_address (
  id INTEGER PRIMARY KEY, address1 TEXT NOT NULL DEFAULT '', address2 TEXT NOT NULL DEFAULT '',
  city TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT '', zip TEXT NOT NULL DEFAULT '',
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE core_order_detail (
  id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, product_id INTEGER, candidate_id INTEGER,
  quantity INTEGER NOT NULL DEFAULT 1, amount TEXT NOT NULL, currency TEXT NOT NULL DEFAULT 'USD',
  status TEXT NOT NULL DEFAULT 'completed', created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE core_product (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, description TEXT NOT NULL DEFAULT '', price TEXT NOT NULL,
  shippable INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL DEFAULT 'active', hidden INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE core_candidate (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, description TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL DEFAULT 'active', hidden INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE core_orderrecurring (
  id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, action_id INTEGER NOT NULL, user_id INTEGER NOT NULL,
  account TEXT NOT NULL, recurring_id TEXT NOT NULL, period TEXT NOT NULL DEFAULT 'months',
  occurrences INTEGER NOT NULL DEFAULT 0, start TEXT NOT NULL, amount TEXT NOT NULL, amount_converted TEXT NOT NULL,
  currency TEXT NOT NULL DEFAULT 'USD', card_num TEXT NOT NULL DEFAULT '', exp_date TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL DEFAULT 'active', created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX core_orderrecurring_order ON core_orderrecurring (order_id);
CREATE INDEX core_orderrecurring_recurring ON core_orderrecurring (recurring_id);
CREATE TABLE core_transaction (
  id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, account TEXT NOT NULL, type TEXT NOT NULL DEFAULT 'sale',
  status TEXT NOT NULL DEFAULT 'completed', success INTEGER NOT NULL DEFAULT 1, amount TEXT NOT NULL,
  amount_converted TEXT NOT NULL, currency TEXT NOT NULL DEFAULT 'USD', trans_id TEXT NOT NULL DEFAULT '',
  failure_code TEXT NOT NULL DEFAULT '', failure_message TEXT NOT NULL DEFAULT '',
  failure_description TEXT NOT NULL DEFAULT '', test_mode INTEGER NOT NULL DEFAULT 0, ref_transaction_id INTEGER,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX core_transaction_order ON core_transaction (order_id);
CREATE INDEX core_transaction_trans ON core_transaction (trans_id);

CREATE TABLE events_campaign (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT NOT NULL DEFAULT '',
  public_description TEXT NOT NULL DEFAULT '', hidden INTEGER NOT NULL DEFAULT 0,
  default_event_size INTEGER, default_title TEXT NOT NULL DEFAULT '', max_event_size INTEGER,
  public_create_page INTEGER NOT NULL DEFAULT 1, public_search_page INTEGER NOT NULL DEFAULT 1,
  show_attendee_count INTEGER NOT NULL DEFAULT 1, show_venue INTEGER NOT NULL DEFAULT 1,
  use_title INTEGER NOT NULL DEFAULT 1, use_start_date INTEGER NOT NULL DEFAULT 1,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE events_event (
  id INTEGER PRIMARY KEY, campaign_id INTEGER NOT NULL, creator_id INTEGER NOT NULL,
  title TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  status TEXT NOT NULL DEFAULT 'active', venue TEXT NOT NULL DEFAULT '', address1 TEXT NOT NULL DEFAULT '',
  address2 TEXT NOT NULL DEFAULT '', city TEXT COLLATE NOCASE NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT '',
  region TEXT NOT NULL DEFAULT '', postal TEXT NOT NULL DEFAULT '', zip TEXT NOT NULL DEFAULT '',
  plus4 TEXT NOT NULL DEFAULT '', country TEXT NOT NULL DEFAULT 'United States', latitude REAL, longitude REAL,
  starts_at TEXT, starts_at_utc TEXT, ends_at TEXT, ends_at_utc TEXT, max_attendees INTEGER,
  attendee_count INTEGER NOT NULL DEFAULT 0, host_is_confirmed INTEGER NOT NULL DEFAULT 1,
  is_approved INTEGER NOT NULL DEFAULT 1, is_private INTEGER NOT NULL DEFAULT 0, phone TEXT NOT NULL DEFAULT '',
  public_description TEXT NOT NULL DEFAULT '', directions TEXT NOT NULL DEFAULT '',
  note_to_attendees TEXT NOT NULL DEFAULT '', notes TEXT NOT NULL DEFAULT '', confirmed_at TEXT,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE events_eventfield (
  id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL);
CREATE TABLE events_eventsignup (
  id INTEGER PRIMARY KEY, event_id INTEGER NOT NULL, user_id INTEGER NOT NULL, page_id INTEGER,
  role TEXT NOT NULL DEFAULT 'attendee', status TEXT NOT NULL DEFAULT 'active', attended INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX events_eventsignup_event ON events_eventsignup (event_id);
CREATE INDEX events_eventsignup_user ON events_eventsignup (user_id);
CREATE TABLE events_eventsignupfield (
  id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL);
CREATE TABLE simulator_eventaction (action_id INTEGER PRIMARY KEY, event_id INTEGER NOT NULL, signup_id INTEGER);
CREATE INDEX simulator_eventaction_signup ON simulator_eventaction (signup_id);

CREATE TABLE core_usergroup (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE core_usergroup_users (
  group_id INTEGER NOT NULL, user_id INTEGER NOT NULL, created_at TEXT NOT NULL, PRIMARY KEY (group_id, user_id));
CREATE INDEX core_usergroup_users_user ON core_usergroup_users (user_id);

CREATE TABLE core_tag (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, hidden INTEGER NOT NULL DEFAULT 0,
  order_index INTEGER NOT NULL DEFAULT 0, times_used INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE core_language (
  id INTEGER PRIMARY KEY, iso_code TEXT NOT NULL, name TEXT NOT NULL, hidden INTEGER NOT NULL DEFAULT 0,
  ordering INTEGER NOT NULL DEFAULT 0, translations TEXT NOT NULL DEFAULT '{}',
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE core_multilingualcampaign (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, hidden INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE core_mailing (
  id INTEGER PRIMARY KEY, status TEXT NOT NULL DEFAULT 'draft', subject TEXT NOT NULL DEFAULT '',
  html TEXT NOT NULL DEFAULT '', text TEXT NOT NULL DEFAULT '', notes TEXT NOT NULL DEFAULT '', lang_id INTEGER,
  expected_send_count INTEGER, progress INTEGER, scheduled_for TEXT, started_at TEXT, finished_at TEXT,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE core_usermailing (
  id INTEGER PRIMARY KEY, mailing_id INTEGER NOT NULL, user_id INTEGER NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE core_blackholedemail (
  id INTEGER PRIMARY KEY, email TEXT NOT NULL COLLATE NOCASE UNIQUE, reason TEXT NOT NULL DEFAULT '',
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);

CREATE TABLE core_upload (
  id INTEGER PRIMARY KEY, page_id INTEGER NOT NULL, status TEXT NOT NULL DEFAULT 'new', line_count INTEGER NOT NULL,
  rows_done INTEGER NOT NULL DEFAULT 0, has_errors INTEGER NOT NULL DEFAULT 0, has_warnings INTEGER NOT NULL DEFAULT 0,
  is_completed INTEGER NOT NULL DEFAULT 0, autocreate_user_fields INTEGER NOT NULL, user_fields_only INTEGER NOT NULL,
  started_at TEXT, finished_at TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE core_uploaderror (
  id INTEGER PRIMARY KEY, upload_id INTEGER NOT NULL, row INTEGER, col INTEGER, message TEXT NOT NULL,
  raw TEXT NOT NULL DEFAULT '', value TEXT NOT NULL DEFAULT '', exception TEXT NOT NULL DEFAULT '',
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX core_uploaderror_upload ON core_uploaderror (upload_id);
CREATE TABLE core_queryreport (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, short_name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL DEFAULT '', sql TEXT NOT NULL, hidden INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE core_backgroundtask (
  id INTEGER PRIMARY KEY, short_name TEXT NOT NULL, parameters TEXT NOT NULL, due REAL NOT NULL,
  status TEXT NOT NULL DEFAULT 'new', result TEXT NOT NULL DEFAULT '', is_zipped INTEGER NOT NULL DEFAULT 0,
  is_csv INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);

-- What nothing else here depends on, as JSON: forms, questions, payment tokens.
CREATE TABLE simulator_object (
  id INTEGER PRIMARY KEY, resource TEXT NOT NULL, body TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX simulator_object_resource ON simulator_object (resource);
